import { plainLine } from '../../kit/plain-line.ts'
import { SshReader } from '../../kit/ssh-wire.ts'
import type { OutcomeStatus } from '../../model/transcript.ts'
import { type Request, STDERR } from './channel-messages.ts'
import type { Cut } from './cut.ts'
import { type Lifetime, lifetime } from './lifetime.ts'
import { type OutputMask, outputMask } from './mask.ts'
import type { Program, ProgramParts } from './program.ts'
import type { WindowSize } from './terminal.ts'
import { Typing } from './typing.ts'

/** What it says that we killed. */
const KILLED = 'signal KILL'

/** A command or a shell: its streams pass, recorded and masked as its permit says. */
export class RunningProgram implements Program {
  readonly granted = true as const
  readonly holds = false
  readonly #parts: ProgramParts
  readonly #masks: readonly (OutputMask | undefined)[]
  readonly #records: boolean
  readonly #typing: Typing | undefined
  readonly #lifetime: Lifetime
  #bytes = 0
  #ended = false
  #status: OutcomeStatus = 'unknown'
  #tag = ''

  constructor(parts: ProgramParts) {
    this.#parts = parts
    const { permit, terminal } = parts
    const { session } = parts.house
    const { mask, record } = permit.obligations
    this.#records = record !== 'statements'
    this.#masks = [0, 1].map((type) =>
      outputMask({ duties: mask, house: parts.house, show: (bytes) => this.#show(bytes, type) }),
    )
    if (terminal && this.#records) {
      const { term, width, height } = terminal
      session.note({ kind: 'terminal', op: permit.op, term, width, height })
      this.#typing = new Typing({
        input: (bytes) => session.note({ kind: 'input', op: permit.op, bytes }),
        line: (text) => session.note({ kind: 'typed', op: permit.op, text }),
      })
    }
    this.#lifetime = lifetime(parts, () => this.#bytes)
  }

  get keptOfTarget(): number {
    return 0
  }
  get keptOfClient(): number {
    return 0
  }

  fromClient(bytes: Buffer): void {
    const { permit, ends } = this.#parts
    const { session } = this.#parts.house
    if (this.#typing) this.#typing.typed(bytes)
    else if (this.#records) session.note({ kind: 'input', op: permit.op, bytes })
    ends.target.write(bytes)
  }

  fromTarget(bytes: Buffer, type: number): void {
    // A type beyond standard error is defined nowhere (RFC 4254 §5.2).
    const stream = type === STDERR ? STDERR : 0
    const mask = this.#masks[stream]
    if (mask) mask.push(bytes)
    else this.#show(bytes, stream)
  }

  #show(bytes: Buffer, type: number): void {
    if (bytes.length === 0) return
    const { permit, ends } = this.#parts
    const { session } = this.#parts.house
    this.#bytes += bytes.length
    this.#typing?.shown(bytes)
    if (this.#records) session.note({ kind: 'output', op: permit.op, stream: type === STDERR ? 2 : 1, bytes })
    ends.client.write(bytes, type)
  }

  clientEof(): void {
    this.#parts.ends.target.eof()
  }

  targetEof(): void {
    if (this.#ended) return
    this.#ended = true
    for (const mask of this.#masks) mask?.end()
  }

  said({ name, rest }: Request): void {
    const reader = new SshReader(rest)
    if (name === 'exit-status') {
      const status = reader.uint32()
      this.#status = status === 0 ? 'ok' : 'error'
      this.#tag = `exit ${status}`
    } else if (name === 'exit-signal') {
      this.#status = 'error'
      this.#tag = plainLine(`signal ${reader.string().toString('latin1').slice(0, 32)}`)
    }
  }

  resized({ width, height }: WindowSize): void {
    const { permit } = this.#parts
    const { session } = this.#parts.house
    if (this.#records) session.note({ kind: 'resize', op: permit.op, width, height })
  }

  failed(): void {
    this.#lifetime.end(0, 'error', 'the target did not start it')
  }

  over(cut: Cut): void {
    this.targetEof()
    const said = this.#tag
    // Without a word of the target nobody saw how it ended, or whether.
    if (cut.sudden && said === KILLED) this.#lifetime.end(this.#bytes, 'cancelled', `${cut.tag}; ${said}`)
    else this.#lifetime.end(this.#bytes, this.#status, said || cut.tag)
  }
}
