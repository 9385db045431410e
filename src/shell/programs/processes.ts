import { effects } from '../../model/effects.ts'
import type { Argument } from '../argument.ts'
import type { Call } from '../call.ts'

/** What shows the variables of processes is as good as reading these. */
export const ENVIRONMENTS = '/proc/*/environ'

/** Clusters in which `e` means every process, not the environment, and a list of columns behind `o`. */
const EVERY = /^-[AadefFHlLjTwyMcn]*o?$/
const LONG =
  /^--(sort|forest|headers|no-headers|no-headings|deselect|cols|columns|width|lines|rows|pid|ppid|quick-pid|help|version|cumulative|format)(=[a-zA-Z0-9_%,:+-]*)?$/
const COLUMNS = /^[a-zA-Z0-9_%,:=+-]+$/

/**
 * `ps`: reads, and with a bare `e` shows the environment of every process. What it cannot read one way it reads the other (`-auxe` is
 * `auxe` where there is no user `xe`), so only words that are harmless in both do not count as reading it.
 */
export function readPs(call: Call): void {
  call.add(effects('read'))
  const { words } = call
  // Any other flag may make it start over, and take `-e` for `e`.
  const picks = words.some((word) => /^-[^-]/.test(word.text) && !EVERY.test(word.text))
  if (!words.every((word, at) => hidesEnvironment(word, words[at - 1], picks))) call.scope.reading.read(ENVIRONMENTS)
}

function hidesEnvironment(word: Argument, before: Argument | undefined, picks: boolean): boolean {
  const { text } = word
  if (!word.literal || /env/i.test(text)) return false
  if (!text.includes('e')) return true
  if (text.startsWith('--')) return LONG.test(text)
  if (before && /^-?[a-zA-Z]*[ok]$|^--(sort|format)$/.test(before.text)) return COLUMNS.test(text)
  if (EVERY.test(text)) return !picks
  // A name that could not be read as flags.
  if (before && /^-[a-df-zA-Z]*[uUC]$|^--[uU]ser$/.test(before.text))
    return /^\w[\w.-]*$/.test(text) && (/[bdiyz_.-]/.test(text) || /^[^e]*[pq]\D/.test(text))
  return false
}

/** Shown by nobody but root. */
const ACCOUNTS = '/etc/shadow'

/** `getent`: `shadow` is the file with the passwords. */
export function readGetent(call: Call): void {
  call.add(effects('read'))
  for (const word of call.words) if (!word.literal || /shadow/.test(word.text)) call.scope.reading.read(ACCOUNTS)
}
