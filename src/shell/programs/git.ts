import { effects } from '../../model/effects.ts'
import { type Argument, mayBeOption } from '../argument.ts'
import type { Call } from '../call.ts'
import { judge } from '../command.ts'
import { commandSpec } from '../spec.ts'
import { GIT } from '../table/git.ts'

const SPEC = commandSpec(GIT)

/** `git`: by its subcommand, and by what its words can hide. */
export function readGit(call: Call): void {
  judge(SPEC, call)
  const { words } = call
  readDiff(words, call)
  const push = words.some((word) => word.literal && word.text === 'push')
  for (const word of words) {
    // `ext::sh -c …` is an address that runs a program.
    if (/\/\/-|@-|:-/.test(word.text)) call.unknown('an address that may be an option')
    if (word.text.includes('::')) call.unknown('an address that runs a program')
    // `:branch` deletes it, `+branch` overwrites it.
    if (push && (!word.literal || /^[:+]/.test(word.text))) call.add(effects('delete'))
  }
}

/**
 * `git diff` of two names compares files of the machine: when told to, outside of a repository, and when one lies outside of it. The
 * names may be folders, which it reads whole.
 */
function readDiff(words: readonly Argument[], call: Call): void {
  const at = words.findIndex((word) => word.text === 'diff' || !word.literal)
  if (at < 0 || !words.some((word) => word.text === 'diff')) return
  const names = words.slice(at + 1).filter((word) => !word.prefix.startsWith('-'))
  const told = words.some((word) => mayBeOption(word) || /^--no-i/.test(word.prefix))
  const apart =
    told || (names.length > 1 && names.some((word) => !word.literal || /^[/~]|^\.{0,2}(\/|$)|\.\./.test(word.text)))
  for (const name of names) call.add(call.scope.reading.use(name, apart ? 'tree' : 'read'))
}
