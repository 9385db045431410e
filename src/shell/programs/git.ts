import { effects } from '../../model/effects.ts'
import type { Call } from '../call.ts'
import { judge } from '../command.ts'
import { commandSpec } from '../spec.ts'
import { GIT } from '../table/git.ts'

const SPEC = commandSpec(GIT)

/** `git`: by its subcommand, and by what its words can hide. */
export function readGit(call: Call): void {
  judge(SPEC, call)
  const { words } = call
  const push = words.some((word) => word.literal && word.text === 'push')
  for (const word of words) {
    // `ext::sh -c …` is an address that runs a program.
    if (/\/\/-|@-|:-/.test(word.text)) call.unknown('an address that may be an option')
    if (word.text.includes('::')) call.unknown('an address that runs a program')
    // `:branch` deletes it, `+branch` overwrites it.
    if (push && (!word.literal || /^[:+]/.test(word.text))) call.add(effects('delete'))
  }
}
