import { effects } from '../../model/effects.ts'
import { type Argument, literal, mayBeOption } from '../argument.ts'
import type { Call } from '../call.ts'
import { isSeveral } from '../role.ts'

/** `awk`: a program in a language that can run commands and write files; only what surely does neither is let through. */
export function readAwk(call: Call): void {
  call.add(effects('read'))
  const { words } = call
  let at = 0
  for (; at < words.length; at++) {
    const word = words[at]!
    if (mayBeOption(word)) return call.unknown('a word that may be an option')
    if (!word.text.startsWith('-') || word.text === '-') break
    if (word.text === '--') {
      at += 1
      break
    }
    if (word.text === '-F' || word.text === '-v') {
      at += 1
      if (words[at] && isSeveral(words[at]!)) return call.unknown('words that may hold a program')
    } else if (!/^-[Fv]./.test(word.text)) return call.unknown(`the option ${word.text} of awk`)
  }
  const program: Argument = words[at] ?? literal('')
  if (!program.literal) call.unknown('an awk program that is known only when it runs')
  else if (!isHarmlessAwk(program.text)) call.unknown('an awk program that may write or run something')
  for (const file of words.slice(at + 1)) {
    // `name=value` among the files is an assignment.
    if (file.literal && /^[A-Za-z_]\w*=/.test(file.text)) continue
    call.scope.reading.use(file, 'read')
  }
}

/** True for a program without `system`, pipes, `getline`, redirections, extensions and indirect calls. */
export function isHarmlessAwk(program: string): boolean {
  const bare = program.replace(/"(?:[^"\\\n]|\\.)*"/g, '""')
  // A pattern may hold quotes: with one outside of a string the strings cannot be told.
  if (bare.replaceAll('""', '').includes('"')) return false
  if (/\/[^/\n]*"[^/\n]*\//.test(program)) return false
  if (/system|getline|close|fflush|include|load|extension|ENVIRON|ARGV|ARGC|PROCINFO|@|\\\n/.test(bare)) return false
  // Before any `print`, `>` compares and `|` is part of a pattern; after one, either may write.
  const after = bare.slice(bare.search(/print|$/))
  return !/>|(^|[^|])\|([^|]|$)/.test(after)
}
