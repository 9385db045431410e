import { frame } from './wire.ts'

/** Messages of a server, for tests in which there is none. */

const cstring = (text: string) => Buffer.from(`${text}\0`)

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export const parseComplete = () => frame('1')
export const bindComplete = () => frame('2')
export const closeComplete = () => frame('3')
export const noData = () => frame('n')
export const portalSuspended = () => frame('s')
export const complete = (tag: string) => frame('C', cstring(tag))
export const ready = (status = 'I') => frame('Z', Buffer.from(status))
export const copyIn = (columns = 1) => frame('G', Buffer.alloc(1), int16(columns), Buffer.alloc(2 * columns))
export const copyOut = (columns = 1) => frame('H', Buffer.alloc(1), int16(columns), Buffer.alloc(2 * columns))
export const parameter = (name: string, value: string) => frame('S', cstring(name), cstring(value))
export const parameterTypes = (...oids: number[]) => frame('t', int16(oids.length), ...oids.map(int32))
export const keyData = (pid: number, key: Buffer) => frame('K', int32(pid), key)

/** ErrorResponse as the server itself writes one. */
export const error = (code: string, message = 'it failed', severity = 'ERROR') =>
  frame('E', ...fields({ S: severity, V: severity, C: code, M: message, F: 'postgres.c', L: '1', R: 'r' }))

function fields(all: Readonly<Record<string, string>>): Buffer[] {
  return [...Object.entries(all).map(([letter, text]) => cstring(letter + text)), Buffer.alloc(1)]
}

/** RowDescription of text columns without origin, all in text format. */
export const description = (...names: string[]) =>
  frame(
    'T',
    int16(names.length),
    ...names.flatMap((name) => [cstring(name), int32(0), int16(0), int32(25), int16(-1), int32(-1), int16(0)]),
  )

/** DataRow; null is NULL. */
export const row = (...cells: (string | Buffer | null)[]) =>
  frame(
    'D',
    int16(cells.length),
    ...cells.flatMap((cell) =>
      cell === null ? [int32(-1)] : [int32(Buffer.byteLength(cell)), Buffer.from(cell as string)],
    ),
  )
