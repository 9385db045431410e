import { stripVTControlCharacters } from 'node:util'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
const ORDER: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** Operational log: one JSON object per line on stderr. Never a statement's text, a parameter or a secret. */
export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
}

/** A log that writes lines at or above `level` through `write`. */
export function createLog(
  level: LogLevel = 'info',
  write: (line: string) => void = (l) => process.stderr.write(l),
): Log {
  const least = ORDER.indexOf(level)
  const at =
    (name: LogLevel) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      if (ORDER.indexOf(name) < least) return
      const time = new Date().toISOString()
      write(`${inert(JSON.stringify({ time, level: name, message: stripVTControlCharacters(message), ...fields }))}\n`)
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** JSON spells C0 controls out, and leaves what else moves or hides on a terminal (C1, directions, line separators) as it is. Still the same JSON. */
function inert(json: string): string {
  return json.replace(/[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu, (mark) =>
    [...Array(mark.length).keys()].map((i) => `\\u${mark.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  )
}
