import { ByteReader } from '../../kit/bytes.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { TextScrubber } from '../../masking/index.ts'
import { REDACTED } from '../../masking/index.ts'
import { maskDetail, maskSentence } from './error-text.ts'

// ErrorResponse 'E', NoticeResponse 'N': int32 length, then fields: one byte code, string with NUL; a NUL ends the list.

export interface EchoMasking {
  /** True when a column with a masked label is in the reach of what the message answers. */
  readonly labelled: boolean
  readonly scrubber: TextScrubber | undefined
  /** Names a message may keep when `labelled`: those of the catalogue, and of the statement's own text. */
  readonly known?: ReadonlySet<string>
}

/** Severity, SQLSTATE, position in the client's own statement, place in the server's source: no value can stand there. */
const KEPT = 'SVCPFLR'
/** Context, internal query and its position: the text of statements with their literals (B21). */
const CONTEXT = 'Wqp'
/** Schema, table, column, data type, constraint: RAISE lets anybody set them (B20). */
const NAMES = 'stcdn'

/**
 * Masks what an error or notice may echo of values (B18 to B22). With labelled columns in reach only the server's own
 * wording and known names stay; without, the scrubber alone looks. Severity, SQLSTATE and position always stay.
 * Throws `protocol.target` for a message that is not one.
 */
export function maskErrorFields(message: Buffer, masking: EchoMasking): Buffer {
  if (!masking.labelled && !masking.scrubber) return message
  const fields = readFields(message)
  const free = masking.labelled && isFreeText(fields)
  const kept: Field[] = []
  let changed = false
  for (const field of fields) {
    const masked = maskField(field, masking, free)
    if (masked !== field.text) changed = true
    if (masked !== undefined) kept.push({ code: field.code, text: masked })
  }
  return changed ? writeFields(message[0]!, kept) : message
}

interface Field {
  readonly code: string
  readonly text: string
}

function readFields(message: Buffer): Field[] {
  try {
    const reader = new ByteReader(message, 5)
    const fields: Field[] = []
    for (let code = reader.uint8(); code !== 0; code = reader.uint8()) {
      fields.push({ code: String.fromCharCode(code), text: reader.cstringView().toString() })
    }
    return fields
  } catch (cause) {
    throw new SluiceError('protocol.target', 'error or notice fields', { cause })
  }
}

function writeFields(type: number, fields: readonly Field[]): Buffer {
  const body = Buffer.from(`${fields.map(({ code, text }) => `${code}${text}\0`).join('')}\0`)
  const out = Buffer.alloc(5 + body.length)
  out[0] = type
  out.writeInt32BE(4 + body.length, 1)
  body.copy(out, 5)
  return out
}

/** What the field becomes; undefined drops it. */
function maskField({ code, text }: Field, masking: EchoMasking, free: boolean): string | undefined {
  if (KEPT.includes(code)) return code === 'C' && free ? standardState(text) : text
  const { labelled, scrubber, known = NO_NAMES } = masking
  if (!labelled) return scrubber?.scrubText(text) ?? text
  if (CONTEXT.includes(code)) return undefined
  if (NAMES.includes(code)) return known.has(text) ? text : undefined
  if (code === 'M') return free ? REDACTED : maskSentence(text, known)
  if (free) return undefined
  if (code === 'D') return maskDetail(text, known)
  return code === 'H' ? maskSentence(text, known) : undefined
}

const NO_NAMES: ReadonlySet<string> = new Set()

const SERVER_FILE = /^[\w-]+\.[cyl]$/
/** Procedural languages, plans in the log, and errors of other servers passed on. */
const RELAYING_FILE = /^(?:pl_\w+|plperl|plpy\w*|pltcl|Util|auto_explain|pg_stat_\w+|dblink|connection)\.c$/

/**
 * True when somebody other than the server chose the words: RAISE and ASSERT of a procedural language, named by the
 * server's source routine, or a level that carries the text of statements and plans.
 */
function isFreeText(fields: readonly Field[]): boolean {
  const of = (code: string) => fields.find((field) => field.code === code)?.text ?? ''
  const file = of('F')
  if (!SERVER_FILE.test(file) || RELAYING_FILE.test(file)) return true
  return !/^(?:ERROR|FATAL|PANIC|WARNING|NOTICE)$/.test(of('V'))
}

const CLASS = /^(?:0[0-9ABFLPZ]|2[0-9BDF]|3[489BDF]|4[024]|5[3-8]|72|F0|HV|P0|XX)/

/** RAISE may invent a SQLSTATE, five characters of a value: its class stays when it is one of the server's. */
function standardState(state: string): string {
  if (state === 'P0001' || state === 'P0004') return state
  return CLASS.test(state) ? `${state.slice(0, 2)}000` : 'P0001'
}

// NotificationResponse 'A': int32 length, int32 pid, channel with NUL, payload with NUL.

/** Masks a notification's payload (B23): whole when `labelled`, else by the scrubber. */
export function maskNotification(message: Buffer, scrubber: TextScrubber | undefined, labelled = false): Buffer {
  return rewriteSecond(message, 9, (_channel, payload) => {
    if (payload === '') return payload
    return labelled ? REDACTED : (scrubber?.scrubText(payload) ?? payload)
  })
}

// ParameterStatus 'S': int32 length, name with NUL, value with NUL.

/** Settings whose values the server restricts to a few words. */
const RESTRICTED = new Set([
  'client_encoding',
  'DateStyle',
  'default_transaction_read_only',
  'in_hot_standby',
  'integer_datetimes',
  'IntervalStyle',
  'is_superuser',
  'server_encoding',
  'server_version',
  'session_authorization',
  'standard_conforming_strings',
  'scram_iterations',
])
/** A zone's name. A POSIX zone may hold any text between < and >. */
const ZONE = /^[A-Za-z_]{2,32}(?:[/+-][A-Za-z_]{0,32}\d{0,2}){0,3}$/

/** Masks the value of a setting the server reports (B24): a free one whole when `labelled`, else by the scrubber. */
export function maskParameterStatus(message: Buffer, scrubber: TextScrubber | undefined, labelled = false): Buffer {
  return rewriteSecond(message, 5, (name, value) => {
    if (RESTRICTED.has(name) || value === '') return value
    if (!labelled) return scrubber?.scrubText(value) ?? value
    return name === 'TimeZone' && ZONE.test(value) ? value : REDACTED
  })
}

/** Rewrites the second of the two strings that begin at `from`. */
function rewriteSecond(message: Buffer, from: number, rewrite: (first: string, second: string) => string): Buffer {
  const firstEnd = message.indexOf(0, from)
  const secondEnd = firstEnd < 0 ? -1 : message.indexOf(0, firstEnd + 1)
  if (secondEnd !== message.length - 1) throw new SluiceError('protocol.target', 'two strings expected')
  const second = message.toString('utf8', firstEnd + 1, secondEnd)
  const rewritten = rewrite(message.toString('utf8', from, firstEnd), second)
  if (rewritten === second) return message
  const out = Buffer.concat([message.subarray(0, firstEnd + 1), Buffer.from(`${rewritten}\0`)])
  out.writeInt32BE(out.length - 1, 1)
  return out
}
