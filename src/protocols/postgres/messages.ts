/** Builders of the messages both sides need outside the relay (protocol documentation, "Message Formats"). Nothing here keeps state. */

import { ByteReader } from '../../kit/bytes.ts'
import { SluiceError } from '../../kit/errors.ts'

/** The minor versions of protocol 3 we speak; 3.1 was never used. */
export type ProtocolMinor = 0 | 2

const SSL_REQUEST = 80877103
const CANCEL_REQUEST = 80877102

/** Fields of an ErrorResponse or NoticeResponse that we write. Text; a NUL in it is replaced, because it would end the field. */
export interface ErrorFields {
  readonly severity: 'ERROR' | 'FATAL' | 'PANIC' | 'WARNING' | 'NOTICE' | 'INFO' | 'LOG' | 'DEBUG'
  /** SQLSTATE, five characters. */
  readonly code: string
  readonly message: string
  readonly detail?: string | undefined
  readonly hint?: string | undefined
  /** 1-based character in the statement. */
  readonly position?: string | undefined
}

/** One typed message: type byte, length, body. */
export function frame(type: string, ...parts: readonly Uint8Array[]): Buffer {
  let length = 4
  for (const part of parts) length += part.length
  const out = Buffer.allocUnsafe(1 + length)
  out[0] = type.charCodeAt(0)
  out.writeInt32BE(length, 1)
  let at = 5
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

function untyped(...parts: readonly Uint8Array[]): Buffer {
  return frame('\0', ...parts).subarray(1)
}

/** A NUL-terminated string. */
export function cstring(text: string): Buffer {
  return Buffer.from(`${text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text}\0`)
}

function int32(value: number): Buffer {
  const out = Buffer.allocUnsafe(4)
  out.writeInt32BE(value | 0)
  return out
}

export function errorResponse(fields: ErrorFields): Buffer {
  return frame('E', fieldList(fields))
}

export function noticeResponse(fields: ErrorFields): Buffer {
  return frame('N', fieldList(fields))
}

function fieldList(fields: ErrorFields): Buffer {
  const { severity, code, message, detail, hint, position } = fields
  const list = [`S${severity}`, `V${severity}`, `C${code}`, `M${message}`]
  if (detail) list.push(`D${detail}`)
  if (hint) list.push(`H${hint}`)
  if (position) list.push(`P${position}`)
  return Buffer.concat([...list.map(cstring), Buffer.of(0)])
}

/** Field letter → text of an ErrorResponse or NoticeResponse body. Invalid UTF-8 is replaced: servers send errors of early start-up in their own locale. */
export function readErrorFields(body: Buffer): Map<string, string> {
  const reader = new ByteReader(body)
  const fields = new Map<string, string>()
  for (let letter = reader.uint8(); letter !== 0; letter = reader.uint8())
    fields.set(String.fromCharCode(letter), reader.cstringView().toString())
  return fields
}

export function authenticationOk(): Buffer {
  return frame('R', int32(0))
}

export function authenticationCleartextPassword(): Buffer {
  return frame('R', int32(3))
}

export function parameterStatus(name: string, value: string): Buffer {
  return frame('S', cstring(name), cstring(value))
}

/** `key` has 4 bytes for protocol 3.0, up to 256 for 3.2. */
export function backendKeyData(processId: number, key: Uint8Array): Buffer {
  return frame('K', int32(processId), key)
}

export function readyForQuery(status: 'I' | 'T' | 'E'): Buffer {
  return frame('Z', Buffer.from(status))
}

/** Tells a client the newest version we speak and which `_pq_.` options we do not know. */
export function negotiateProtocolVersion(minor: ProtocolMinor, unknown: readonly string[]): Buffer {
  return frame('v', int32((3 << 16) | minor), int32(unknown.length), ...unknown.map(cstring))
}

/** All a client gets between its accepted token and its first statement, as one write. */
export function welcome(login: {
  readonly parameters: ReadonlyMap<string, string>
  readonly processId: number
  readonly secret: Uint8Array
}): Buffer {
  const parts = [authenticationOk()]
  for (const [name, value] of login.parameters) parts.push(parameterStatus(name, value))
  parts.push(backendKeyData(login.processId, login.secret), readyForQuery('I'))
  return Buffer.concat(parts)
}

/** Throws SluiceError `protocol.unsupported` for a name or value with a NUL: it would become another parameter. */
export function startupMessage(minor: ProtocolMinor, parameters: Iterable<readonly [string, string]>): Buffer {
  const parts: Buffer[] = [int32((3 << 16) | minor)]
  for (const [name, value] of parameters) {
    if (name === '' || name.includes('\0') || value.includes('\0'))
      throw new SluiceError('protocol.unsupported', 'a start-up parameter is empty or holds a NUL')
    parts.push(cstring(name), cstring(value))
  }
  return untyped(...parts, Buffer.of(0))
}

export function sslRequest(): Buffer {
  return untyped(int32(SSL_REQUEST))
}

export function cancelRequest(processId: number, key: Uint8Array): Buffer {
  return untyped(int32(CANCEL_REQUEST), int32(processId), key)
}

export function passwordMessage(password: string): Buffer {
  return frame('p', cstring(password))
}

export function saslInitialResponse(mechanism: string, response: string): Buffer {
  const bytes = Buffer.from(response)
  return frame('p', cstring(mechanism), int32(bytes.length), bytes)
}

export function saslResponse(response: string): Buffer {
  return frame('p', Buffer.from(response))
}

export function query(sql: string): Buffer {
  return frame('Q', cstring(sql))
}

export function terminate(): Buffer {
  return frame('X')
}

/** Reads command tags. The same tag comes again and again: then its string is there already. */
export class TagReader {
  #bytes = Buffer.alloc(0)
  #tag = ''

  read(bytes: Buffer, start: number, end: number): string {
    const last = this.#bytes
    let same = 0
    if (last.length === end - start) while (same < last.length && last[same] === bytes[start + same]) same++
    if (same === end - start) return this.#tag
    this.#bytes = Buffer.from(bytes.subarray(start, end))
    this.#tag = bytes.toString('utf8', start, end)
    return this.#tag
  }
}
