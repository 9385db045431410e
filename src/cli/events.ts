import type { Paint } from './paint.ts'
import { visible, visibleLines } from './paint.ts'
import { StreamTeller } from './stream-teller.ts'
import { formatTable } from './table.ts'

type StreamEvent =
  | {
      readonly at: number
      readonly kind: 'output'
      readonly op: number
      readonly stream: 1 | 2
      readonly base64: string
    }
  | { readonly at: number; readonly kind: 'input'; readonly op: number; readonly base64: string }

/** What a transcript tells, as the API hands it out. */
export type TranscriptEvent =
  | {
      readonly at: number
      readonly kind: 'operation'
      readonly op: number
      readonly verb: string
      readonly text: string
      readonly parameters?: readonly (string | null)[] | undefined
      readonly outcome: 'allow' | 'approve' | 'deny'
      readonly rule: string
      readonly reason: string
    }
  | { readonly at: number; readonly kind: 'held'; readonly op: number; readonly approval: string }
  | {
      readonly at: number
      readonly kind: 'columns'
      readonly op: number
      readonly columns: readonly { readonly name: string }[]
    }
  | {
      readonly at: number
      readonly kind: 'rows'
      readonly op: number
      /** The operation whose columns describe them. */
      readonly columnsOf: number
      readonly rows: readonly (readonly (string | null)[])[]
    }
  | {
      readonly at: number
      readonly kind: 'outcome'
      readonly op: number
      readonly status: string
      readonly tag: string
      readonly rows: number
      readonly bytes: number
      readonly duration_ms: number
    }
  | { readonly at: number; readonly kind: 'notice'; readonly text: string }
  | {
      readonly at: number
      readonly kind: 'terminal'
      readonly op: number
      readonly term: string
      readonly width: number
      readonly height: number
    }
  | {
      readonly at: number
      readonly kind: 'resize'
      readonly op: number
      readonly width: number
      readonly height: number
    }
  | StreamEvent
  | { readonly at: number; readonly kind: 'typed'; readonly op: number; readonly text: string }
  | {
      readonly at: number
      readonly kind: 'file'
      readonly op: number
      readonly direction: 'get' | 'put'
      readonly path: string
      readonly bytes: number
      readonly sha256: string
      readonly covers: 'whole' | 'part' | 'moved'
      readonly from: number
      readonly length: number
    }
  | { readonly at: number; readonly kind: 'gap'; readonly events: number }
  | { readonly at: number; readonly kind: 'end' }

const INDENT = ' '.repeat(10)
/** What begins a further line of a caller's own text: it can never look like a line of ours. */
const MORE = `\n${INDENT}│ `
const VERDICT = { allow: 'allowed', approve: 'asked people', deny: 'refused' } as const

/** Tells a transcript's events in words, in order. Rows wait until their operation has its outcome, so that they stand in one table. */
export class EventTeller {
  readonly #paint: Paint
  readonly #columns = new Map<number, readonly string[]>()
  readonly #rows = new Map<number, (readonly (string | null)[])[]>()
  readonly #streams: StreamTeller
  /** The operation whose columns the rows that wait have. */
  #columnsOf = 0

  constructor(paint: Paint) {
    this.#paint = paint
    this.#streams = new StreamTeller(paint)
  }

  /** The text of one event, empty when it only prepares a later one. */
  tell(event: TranscriptEvent): string {
    if (event.kind === 'output' || event.kind === 'input') return this.#streams.tell(event)
    return this.#streams.pause() + this.#told(event)
  }

  #told(event: Exclude<TranscriptEvent, StreamEvent>): string {
    const { bold, dim, red, yellow } = this.#paint
    switch (event.kind) {
      case 'operation': {
        const colour = event.outcome === 'deny' ? red : event.outcome === 'approve' ? yellow : dim
        const by = event.rule ? ` by ${event.rule}` : ''
        const values = event.parameters
          ?.map((value, i) => `$${i + 1} = ${value === null ? 'NULL' : `'${visible(value)}'`}`)
          .join(', ')
        return [
          `${dim(clock(event.at))} ${bold(`#${event.op}`)} ${visibleLines(event.text).replaceAll('\n', MORE)}\n`,
          values ? `${INDENT}${values}\n` : '',
          `${INDENT}${colour(`${VERDICT[event.outcome]}${visible(by)} (${event.reason})`)}\n`,
        ].join('')
      }
      case 'held':
        return `${INDENT}${yellow(`held for approval ${visible(event.approval)}`)}\n`
      case 'columns':
        this.#columns.set(
          event.op,
          event.columns.map((column) => column.name),
        )
        return ''
      case 'rows': {
        const rows = this.#rows.get(event.op) ?? []
        rows.push(...event.rows)
        this.#columnsOf = event.columnsOf
        this.#rows.set(event.op, rows)
        return ''
      }
      case 'outcome':
        return this.#sample(event.op) + this.#outcome(event)
      case 'notice':
        return `${dim(clock(event.at))} ${visibleLines(event.text).replaceAll('\n', MORE)}\n`
      case 'terminal':
        this.#streams.echoes(event.op)
        return `${INDENT}${dim(`on a terminal ${visible(event.term)}, ${event.width} × ${event.height}`)}\n`
      case 'resize':
        return `${INDENT}${dim(`the terminal is now ${event.width} × ${event.height}`)}\n`
      case 'typed':
        return `${dim(clock(event.at))} ${dim('it seems that this was typed:')} ${visible(event.text)}\n`
      case 'file': {
        const { covers, from, length } = event
        const moved = covers === 'moved' ? ` of ${length} bytes in the order they moved, not of the file` : ''
        const part = covers === 'part' ? ` of bytes ${from} to ${from + length}` : moved
        const arrow = event.direction === 'get' ? 'got' : 'put'
        return `${INDENT}${arrow} ${visible(event.path)}, ${event.bytes} bytes, sha256 ${visible(event.sha256)}${part}\n`
      }
      case 'gap':
        return `${INDENT}${red(`${event.events} events were not recorded: the disk refused`)}\n`
      case 'end':
        return `${dim(clock(event.at))} ${dim('the session ended')}\n`
    }
  }

  #sample(op: number): string {
    const rows = this.#rows.get(op) ?? []
    const names = this.#columns.get(this.#columnsOf) ?? rows[0]?.map((_, i) => `column ${i + 1}`) ?? []
    this.#rows.delete(op)
    if (rows.length === 0) return ''
    const columns = names.map((title, i) => ({
      title: visible(title),
      named: true,
      value: (row: readonly (string | null)[]) => row[i] ?? '',
      most: 60,
    }))
    return formatTable(rows, columns).replace(/^(?=.|\n)/gm, INDENT)
  }

  #outcome(event: Extract<TranscriptEvent, { kind: 'outcome' }>): string {
    const { dim, red, green } = this.#paint
    const colour = event.status === 'ok' ? green : event.status === 'refused' ? dim : red
    const bytes = event.bytes > 0 ? `, ${event.bytes} bytes` : ''
    const rows = event.rows > 0 ? `, ${event.rows} ${event.rows === 1 ? 'row' : 'rows'}${bytes}` : bytes
    return `${INDENT}${colour(event.status)}${event.tag ? ` ${visible(event.tag)}` : ''}${dim(`${rows}, ${event.duration_ms.toFixed(1)} ms`)}\n`
  }
}

/** `01:02.345` since the session opened; hours where there are any. */
function clock(at_ms: number): string {
  const text = new Date(Math.max(0, at_ms)).toISOString().slice(11, 23)
  const hours = Math.floor(at_ms / 3_600_000)
  return hours > 0 ? `${hours}:${text.slice(3)}` : text.slice(3)
}
