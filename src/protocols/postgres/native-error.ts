import type { SluiceError } from '../../kit/errors.ts'
import type { NativeError } from './reply.ts'

/** What the server's grammar says beside some of its messages (gram.y); the parser library gives the message alone. */
const BESIDE: readonly { readonly message: RegExp; readonly detail?: string; readonly hint?: string }[] = [
  { message: /^missing argument$/, hint: 'Use NONE to denote the missing argument of a unary operator.' },
  {
    message: /^unrecognized row security option/,
    hint: 'Only PERMISSIVE or RESTRICTIVE policies are supported currently.',
  },
  {
    message: /^invalid publication object list$/,
    detail: 'One of TABLE or TABLES IN SCHEMA must be specified before a standalone table or schema name.',
  },
]

/**
 * The error the server itself would have raised for a text its grammar refuses, or undefined when the refusal is the gateway's own. A typing
 * mistake is not an incident: clients show the server's words and point at the place.
 */
export function nativeError(error: SluiceError): NativeError | undefined {
  const { cause } = error
  if (error.code !== 'sql.syntax' || typeof cause !== 'object' || cause === null || !('sqlDetails' in cause))
    return undefined
  const { message, cursorPosition } = cause.sqlDetails as { message: string; cursorPosition: number | undefined }
  const beside = BESIDE.find((entry) => entry.message.test(message))
  return {
    code: '42601',
    // Some messages end in the scanner's "at or near" with nothing behind it.
    message: message.replace(/ at or near$/, ''),
    detail: beside?.detail,
    hint: beside?.hint,
    position: cursorPosition === undefined ? undefined : String(cursorPosition + 1),
  }
}
