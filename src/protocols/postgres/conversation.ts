import { SluiceError } from '../../kit/errors.ts'
import { effects } from '../../model/effects.ts'
import type { Conversation } from '../contract.ts'
import { ClientSide } from './client-side.ts'
import { Dialogue, type DialogueParts } from './dialogue.ts'
import { fatalResponse } from './reply.ts'
import { TargetSide } from './target-side.ts'

/** One logged-in session's messages, both ways: bytes in, emissions out through its Wire, no I/O of its own. */
export class PostgresConversation implements Conversation {
  readonly #dialogue: Dialogue
  readonly #client: ClientSide
  readonly #target: TargetSide

  constructor(parts: DialogueParts) {
    this.#dialogue = new Dialogue(parts)
    this.#client = new ClientSide(this.#dialogue)
    this.#target = new TargetSide(this.#dialogue)
  }

  fromClient(chunk: Buffer): void {
    this.#client.feed(chunk)
  }

  fromTarget(chunk: Buffer): boolean {
    return this.#target.feed(chunk)
  }

  /** The client cancels. True when what it cancels waits for people: then the target knows nothing of it. */
  withdraw(): boolean {
    const { held } = this.#dialogue
    held?.withdraw()
    return held !== undefined
  }

  /** The server would not notice before it has a result to send. A read is stopped for nobody's sake; what changes something is left to its end. */
  clientLeft(): void {
    const run = this.#dialogue.running()
    if (run?.statements.every((statement) => (statement.effects & ~READS) === 0)) this.#dialogue.parts.cancel()
    this.#dialogue.end()
  }

  targetLeft(): void {
    if (!this.#dialogue.over) this.#dialogue.parts.wire.fail(new SluiceError('target.left'))
  }

  lastWords(why: SluiceError): Buffer {
    this.#dialogue.end()
    // In the midst of a message the client would take them for its rest.
    return this.#dialogue.midMessage ? NOTHING : fatalResponse(why)
  }
}

const NOTHING = Buffer.alloc(0)
const READS = effects('read', 'export', 'session')
