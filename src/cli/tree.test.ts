/** What holds for every command there is, so that a new one cannot do without. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { createProgram } from './program.ts'

const program = createProgram({ version: '0', serve: async () => {} })

interface Leaf {
  readonly path: string
  readonly command: Command
  readonly help: string
}

/** Commands that do something, with what `--help` prints of them. */
function leaves(command: Command, path: string): Leaf[] {
  const inner = command.commands.flatMap((each) => leaves(each, `${path} ${each.name()}`))
  const acts = (command as unknown as { _actionHandler: unknown })._actionHandler !== null
  if (!acts) return inner
  let help = ''
  command.configureOutput({ writeOut: (text) => (help += text) })
  command.outputHelp()
  return [{ path, command, help }, ...inner]
}

const all = leaves(program, 'sluice')

/** The commands its examples show, each as words up to where the shell, or another program, goes on. */
function examplesOf({ help }: Leaf): string[][] {
  const shown = help.slice(help.search(/^Examples?:$/m)).split('\n')
  return shown.flatMap((line) =>
    line
      .split(/&&|;|\||\$\(/)
      .map((part) => part.trim().replace(/(\s(#|>|<|--\s).*|\)".*)$/, ''))
      .filter((part) => part.startsWith('sluice '))
      .map((part) => part.match(/"[^"]*"|'[^']*'|\S+/g)!.slice(1)),
  )
}

/** What an example asks for that is not there; undefined when all is. */
function missing(words: readonly string[]): string | undefined {
  let command: Command = program
  let at = 0
  for (; at < words.length; at++) {
    const inner = command.commands.find((each) => each.name() === words[at])
    if (!inner) break
    command = inner
  }
  if (command === program) return words.join(' ')
  const known = [...program.options, ...command.options, ...(command.parent?.options ?? [])]
  const flags = new Set(known.flatMap(({ long, short }) => [long, short]))
  return words.slice(at).find((word) => /^--?[a-z]/.test(word) && !flags.has(word.split('=')[0]!))
}

describe.each(all.map((leaf) => [leaf.path, leaf] as const))('%s', (path, leaf) => {
  test('says what it does, with examples of it that work', () => {
    expect(leaf.command.description()).not.toBe('')
    const examples = examplesOf(leaf)
    expect(examples.map((words) => `sluice ${words.join(' ')}`).join('\n')).toContain(path)
    expect(examples.map(missing).filter((each) => each !== undefined)).toEqual([])
  })

  test('takes --json and says of every option what it is for', () => {
    expect(leaf.help).toContain('--json')
    expect(leaf.command.options.filter(({ description }) => description === '').map(({ flags }) => flags)).toEqual([])
  })
})

const sources = globSync('**/*.ts', { cwd: import.meta.dirname })
  .filter((name) => !name.endsWith('.test.ts'))
  .map((name) => ({ name, text: readFileSync(join(import.meta.dirname, name), 'utf8') }))

test('a verb that prints a table prints JSON too', () => {
  // events.ts draws the rows of a recording for `replay` and `watch`, which print JSON themselves.
  const tables = sources.filter(
    ({ name, text }) =>
      name !== 'events.ts' && text.includes('formatTable(') && !text.includes('export function formatTable'),
  )
  expect(tables.length).toBeGreaterThan(5)
  expect(tables.filter(({ text }) => !text.includes('printJson(')).map(({ name }) => name)).toEqual([])
})

test('colour comes from paintFor alone, which asks whether a person looks', () => {
  const painting = sources
    .filter(({ text }) => /\\(x1b|u001b)\[(\d|\$\{)[^A-Z\s]*m|styleText/.test(text))
    .map(({ name }) => name)
  expect(painting).toEqual(['paint.ts'])
})
