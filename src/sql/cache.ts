import { CACHE_CHARACTERS, CACHE_ENTRIES, CACHE_ENTRY_MAX } from './limits.ts'
import type { ParsedMessage } from './message.ts'

interface Entry {
  readonly parsed: ParsedMessage
  readonly weight: number
  /** Set on a hit, cleared when the entry gets its second chance. */
  used: boolean
}

/** Parsed messages by exact text, bounded in entries and in size: the oldest entry that was not used since leaves first. */
export class TextCache {
  readonly #entries = new Map<string, Entry>()
  #weight = 0

  get(text: string): ParsedMessage | undefined {
    const entry = this.#entries.get(text)
    if (entry === undefined) return undefined
    entry.used = true
    return entry.parsed
  }

  /** `weight`: characters of text and syntax tree. A tree too large to be worth it is not kept. */
  set(text: string, parsed: ParsedMessage, weight: number): void {
    const total = weight + text.length
    if (total > CACHE_ENTRY_MAX) return
    this.#entries.set(text, { parsed, weight: total, used: false })
    this.#weight += total
    while (this.#entries.size > CACHE_ENTRIES || this.#weight > CACHE_CHARACTERS) this.#evict()
  }

  #evict(): void {
    for (const [text, entry] of this.#entries) {
      this.#entries.delete(text)
      if (entry.used) {
        entry.used = false
        this.#entries.set(text, entry)
        continue
      }
      this.#weight -= entry.weight
      return
    }
  }
}
