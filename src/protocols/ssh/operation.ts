import { type EffectSet, effects } from '../../model/effects.ts'
import type { ChannelFacts, FileFacts, Network } from '../../model/facts.ts'
import type { ObjectRef, Operation } from '../../model/operation.ts'

const NONE: readonly string[] = []

const CHANNEL: ChannelFacts = {
  kind: 'channel',
  statements: 1,
  hosts: NONE,
  port: 0,
  network: '',
  variables: NONE,
  labels: NONE,
}

interface ChannelWords {
  readonly verb: string
  readonly text: string
  readonly effects: EffectSet
  readonly objects?: readonly ObjectRef[]
  readonly facts?: Partial<ChannelFacts>
  readonly stream?: boolean
}

function channelOperation({ verb, text, effects: set, objects = [], facts, stream }: ChannelWords): Operation {
  const opaque = (set & UNKNOWN) !== 0
  return {
    verb,
    effects: set,
    objects,
    text,
    facts: { ...CHANNEL, ...facts },
    shape: stream ? 'stream' : 'call',
    confidence: opaque ? 'opaque' : 'exact',
  }
}

const UNKNOWN = effects('unknown')

/** A terminal for what starts next. */
export const terminalOperation = (term: string): Operation =>
  channelOperation({ verb: 'pty-req', text: `terminal ${term}`, effects: effects('session') })

/** A variable for what starts next. One that does more than say how text is shown may change what programs do. */
export function variableOperation(name: string, value: string, kind: 'shown' | 'named'): Operation {
  const text = `${name}=${value}`
  const set = kind === 'shown' ? effects('session') : effects('session', 'execute')
  return channelOperation({ verb: 'env', text, effects: set, facts: { variables: [name] } })
}

/** What is typed into a shell is not a boundary: nobody can say beforehand what it will do. */
export const shellOperation = (): Operation =>
  channelOperation({
    verb: 'shell',
    text: 'an interactive shell',
    effects: effects('execute', 'unknown'),
    stream: true,
  })

/** `sftp` does nothing by itself: each of its requests is an operation of its own. Any other subsystem is a program nobody here can follow. */
export function subsystemOperation(name: string): Operation {
  const set = name === 'sftp' ? effects('session') : effects('execute', 'unknown')
  return channelOperation({ verb: 'subsystem', text: name, effects: set, stream: true })
}

/** The caller's keys, or their screen, in the target's reach. */
export const lendOperation = (verb: string, text: string): Operation =>
  channelOperation({ verb, text, effects: effects('connect', 'grant') })

export interface ForwardWords {
  readonly verb: string
  readonly text: string
  readonly hosts: readonly string[]
  readonly port: number
  readonly network: Network
}

/** A connection through the target, or a listener on it. A name the gateway cannot resolve leads nobody knows where. */
export function forwardOperation({ verb, text, hosts, port, network }: ForwardWords): Operation {
  const set = network === 'unresolved' ? effects('connect', 'unknown') : effects('connect')
  const objects = hosts.map((name) => ({
    kind: 'host' as const,
    name: port > 0 ? `${name.includes(':') ? `[${name}]` : name}:${port}` : name,
    effect: set,
    labels: NONE,
  }))
  return channelOperation({ verb, text, effects: set, objects, facts: { hosts, port, network }, stream: true })
}

/** A file's mode as chmod writes it. */
export const modeText = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0')

/**
 * Whether a mode gives somebody else a right: setuid, setgid, sticky; write for others, and for the group. A file that is made gets less of
 * the last two by the server's umask; group write, which clients of a umask of 002 ask for every file, counts only where the mode is set `exactly`.
 */
export const modeGrants = (mode: number, exactly: boolean): boolean => (mode & (exactly ? 0o7022 : 0o7002)) !== 0

/** What a file operation does to a path. */
export type FileDeed = 'read' | 'written' | 'deleted'

export interface FileWords {
  readonly transfer: FileFacts['transfer']
  readonly verb: string
  readonly effects: EffectSet
  readonly text: string
  /** Absolute names: as asked for, and as resolved. */
  readonly read?: readonly string[]
  readonly written?: readonly string[]
  readonly deleted?: readonly string[]
}

const WORD: Readonly<Record<FileDeed, EffectSet>> = {
  read: effects('read'),
  written: effects('write'),
  deleted: effects('delete'),
}

/** One operation on files. */
export function fileOperation(words: FileWords): Operation<FileFacts> {
  const { transfer, verb, effects: set, text, read = [], written = [], deleted = [] } = words
  const named = (deed: FileDeed, names: readonly string[]): ObjectRef[] =>
    names.map((name) => ({ kind: 'path', name, effect: WORD[deed], labels: NONE }))
  return {
    verb,
    effects: set,
    objects: [...named('read', read), ...named('written', written), ...named('deleted', deleted)],
    text,
    facts: {
      kind: 'file',
      statements: 1,
      transfer,
      paths: { read, written, deleted, executed: NONE },
      labels: NONE,
    },
    shape: 'call',
    confidence: (set & UNKNOWN) === 0 ? 'exact' : 'opaque',
  }
}
