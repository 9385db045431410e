import { SshReader } from '../../kit/ssh-wire.ts'
import { type HomeNames, namesFromHome } from '../../shell/path.ts'

/** A word of a command line; `glob` when the target's shell makes several of it. */
export interface Word {
  readonly text: string
  readonly glob: boolean
  /** It begins with a quoted `~`, which the shell leaves as it is. */
  readonly tilde: boolean
}

/** Characters that mean themselves to every shell, and those that name several files. */
const PLAIN = /[A-Za-z0-9_./@%+=:,~^-]/
const GLOB = /[*?[\]]/

/** The command of an exec request (string command); empty when it is not UTF-8. */
export function lineOf(rest: Buffer): string {
  const bytes = new SshReader(rest).string()
  const line = bytes.toString('utf8')
  return Buffer.from(line).equals(bytes) ? line : ''
}

/** Words of a line without anything a shell would act on but globs; undefined when there is something. */
export function wordsOf(line: string): Word[] | undefined {
  const words: Word[] = []
  let at = 0
  while (at < line.length) {
    if (line[at] === ' ') {
      at++
      continue
    }
    let text = ''
    let glob = false
    const tilde = /['\\]/.test(line[at]!) && line[at + 1] === '~'
    // zsh takes `=ls` for the path of that program.
    if (line[at] === '=') return undefined
    for (; at < line.length && line[at] !== ' '; at++) {
      const char = line[at]!
      if (char === '\\') {
        const next = line[++at]
        if (next === undefined || next === '\n') return undefined
        text += next
      } else if (char === "'") {
        const end = line.indexOf("'", at + 1)
        if (end < 0) return undefined
        text += line.slice(at + 1, end)
        at = end
      } else if (GLOB.test(char)) {
        text += char
        glob = true
      } else if (PLAIN.test(char) || char > '\u007f') text += char
      else return undefined
    }
    words.push({ text, glob, tilde })
  }
  return words
}

/** The names the word has as a path: `~` is the home where the shell says so. */
export function pathNames({ text, glob, tilde }: Word): HomeNames {
  return namesFromHome(tilde ? `./${text}` : text, !glob)
}
