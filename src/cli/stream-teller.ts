import { InertText } from './inert-text.ts'
import type { Paint } from './paint.ts'

interface StreamEvent {
  readonly kind: 'output' | 'input'
  readonly op: number
  readonly stream?: 1 | 2
  readonly base64: string
}

const INDENT = ' '.repeat(10)
/** What begins a line of a program's: output, errors, input. */
const GUTTER = { 1: '│ ', 2: '! ', 0: '< ' } as const

/** Tells what programs wrote and were sent, line by line and inert, several at once. */
export class StreamTeller {
  readonly #paint: Paint
  readonly #texts = new Map<string, InertText>()
  /** What a terminal's program is sent comes back as its echo. */
  readonly #echoing = new Set<number>()
  /** The stream whose line is not ended. */
  #open = ''

  constructor(paint: Paint) {
    this.#paint = paint
  }

  /** The operation runs on a terminal. */
  echoes(op: number): void {
    this.#echoing.add(op)
  }

  tell(event: StreamEvent): string {
    if (event.kind === 'input' && this.#echoing.has(event.op)) return ''
    const stream = event.kind === 'input' ? 0 : (event.stream ?? 1)
    const key = `${event.op} ${stream}`
    const text = this.#texts.get(key) ?? new InertText()
    this.#texts.set(key, text)
    const shown = text.push(Buffer.from(event.base64, 'base64'))
    if (shown === '') return ''
    const gutter = INDENT + this.#paint.dim(GUTTER[stream])
    const before = this.#open === key ? '' : this.pause() + gutter
    const ended = shown.endsWith('\n')
    const body = ended ? shown.slice(0, -1) : shown
    this.#open = ended ? '' : key
    return `${before}${body.replaceAll('\n', `\n${gutter}`)}${ended ? '\n' : ''}`
  }

  /** Ends a line that is open, before something else is told. */
  pause(): string {
    const open = this.#open !== ''
    this.#open = ''
    return open ? '\n' : ''
  }
}
