import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

/** The objects of a JSON-lines file, as a stream. Lines that are none are passed over: for derived files only. A missing file is empty. */
export async function* readJsonLines<T extends object>(path: string): AsyncGenerator<T> {
  try {
    for await (const line of createInterface({
      input: createReadStream(path, 'utf8'),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      const record = parse<T>(line)
      if (record) yield record
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
  }
}

function parse<T extends object>(line: string): T | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as T) : undefined
  } catch {
    return undefined
  }
}
