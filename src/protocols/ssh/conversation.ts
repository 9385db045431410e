import type { Channel, Client, Connection } from 'ssh2'
import { effects } from '../../model/effects.ts'
import type { Operation } from '../../model/operation.ts'
import type { Permit, Session } from '../contract.ts'

export interface ConversationParts {
  /** The client's connection. Not yet told that it is authenticated: handlers attached in this call miss nothing. */
  readonly client: Connection
  /** Our authenticated connection to the target. */
  readonly target: Client
  readonly session: Session
}

/** Serves the client's channels until either side leaves or the session ends. Never rejects. */
export function converse(parts: ConversationParts): Promise<void> {
  const { client, target, session } = parts
  return new Promise((resolve) => {
    const end = () => {
      client.end()
      target.end()
      resolve()
    }
    client.on('close', end)
    target.on('close', end)
    session.ended.addEventListener('abort', end, { once: true })
    client.on('session', (accept) => {
      const channel = accept()
      channel.on('exec', (begin, reject, { command }) => {
        void exec(parts, command).then((permit) => {
          if (permit && begin) run(parts, { command, permit, channel: begin() })
          else reject?.()
        })
      })
    })
  })
}

async function exec({ session }: ConversationParts, command: string): Promise<Permit | undefined> {
  const verdict = await session.enforce(placeholder(command), { text: command }, () => {})
  return verdict.granted ? verdict : undefined
}

interface Run {
  readonly command: string
  readonly permit: Permit
  readonly channel: Channel
}

function run({ target, session }: ConversationParts, { command, permit, channel }: Run): void {
  target.exec(command, {}, (error, theirs) => {
    if (error) {
      session.settle(permit, { status: 'error', tag: error.message, rows: 0, bytes: 0 })
      channel.exit(255)
      return channel.close()
    }
    channel.pipe(theirs).pipe(channel, { end: false })
    theirs.stderr.pipe(channel.stderr)
    theirs.on('exit', (status: number | null, signal?: string) => {
      if (status === null) channel.exit(signal ?? 'TERM')
      else channel.exit(status)
    })
    theirs.on('close', () => {
      session.settle(permit, { status: 'ok', tag: 'exec', rows: 0, bytes: 0 })
      channel.end()
    })
  })
}

function placeholder(command: string): Operation {
  return {
    verb: 'exec',
    effects: effects('execute', 'unknown'),
    objects: [],
    text: command,
    facts: {
      kind: 'sql',
      dialect: 'postgres',
      database: '',
      statements: 1,
      tags: [],
      functions: [],
      tables: { read: [], written: [] },
      columns: [],
      labels: [],
      filters: [],
      hasWhere: true,
      vacuousWhere: false,
      settings: [],
      transaction: [],
    },
    shape: 'call',
    confidence: 'opaque',
  }
}
