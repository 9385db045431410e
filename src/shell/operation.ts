import { type EffectSet, effects, hasEffect } from '../model/effects.ts'
import type { ShellFacts } from '../model/facts.ts'
import type { ObjectRef, Operation } from '../model/operation.ts'
import type { Reading } from './reading.ts'
import { canonicalText } from './text.ts'

const READ = effects('read')
const SESSION = effects('session')
const UNKNOWN = effects('unknown')
const CONNECT = effects('connect')
const NO_LABELS: readonly string[] = Object.freeze([])

/** What was read, as an operation. */
export function commandLine(text: string, verb: string, reading: Reading): Operation<ShellFacts> {
  const opaque = hasEffect(reading.effects, UNKNOWN)
  return Object.freeze<Operation<ShellFacts>>({
    verb,
    effects: reading.effects || SESSION,
    objects: objectsOf(reading),
    text: canonicalText(text),
    facts: Object.freeze(factsOf(reading)),
    shape: 'stream',
    confidence: opaque ? 'opaque' : reading.partial ? 'partial' : 'exact',
  })
}

function objectsOf(reading: Reading): readonly ObjectRef[] {
  const object = (kind: ObjectRef['kind'], name: string, effect: EffectSet): ObjectRef => ({
    kind,
    name,
    effect,
    labels: NO_LABELS,
  })
  return [
    ...[...reading.listed].filter((name) => !reading.paths.has(name)).map((name) => object('file', name, READ)),
    ...[...reading.paths].map(([name, effect]) => object('file', name, effect)),
    ...[...reading.hosts].map((name) => object('host', name, CONNECT)),
  ]
}

function factsOf(reading: Reading): ShellFacts {
  const { commands } = reading
  const touched = (effect: EffectSet) =>
    sorted([...reading.paths].filter(([, set]) => hasEffect(set, effect)).map(([path]) => path))
  return {
    kind: 'shell',
    statements: Math.max(1, commands.length),
    commands,
    programs: sorted(commands.map(({ program }) => program)),
    arguments: sorted(commands.flatMap((command) => command.arguments)),
    paths: {
      listed: sorted(reading.listed),
      read: touched(effects('read')),
      written: touched(effects('write')),
      deleted: touched(effects('delete')),
      executed: touched(effects('execute')),
    },
    hosts: sorted(reading.hosts),
    users: sorted(reading.users),
    variables: sorted(reading.variables),
    constructs: sorted(reading.constructs),
    reasons: [...reading.reasons],
    labels: NO_LABELS,
  }
}

function sorted(words: Iterable<string>): readonly string[] {
  return [...new Set(words)].sort()
}
