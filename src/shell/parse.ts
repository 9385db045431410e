import { type ParsedScript, parse } from 'unbash'

/** The syntax tree of a command line, or why there is none. The parser recovers from errors; nothing recovered is believed. */
export function parseScript(source: string): ParsedScript | string {
  try {
    const script = parse(source)
    const [first] = script.errors ?? []
    return first === undefined ? script : `it does not parse: ${first.message}`
  } catch {
    return 'it does not parse'
  }
}
