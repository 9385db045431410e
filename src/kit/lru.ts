/** A map with a bound: the entry used longest ago leaves first. */
export class Lru<K, V> {
  readonly #limit: number
  readonly #map = new Map<K, V>()
  constructor(limit: number) {
    this.#limit = limit
  }
  get size(): number {
    return this.#map.size
  }
  get(key: K): V | undefined {
    const value = this.#map.get(key)
    if (value === undefined) return undefined
    // Refresh only when the map is near its bound: re-insertion on every hit would cost more than the eviction order is worth.
    if (this.#map.size > this.#limit >> 1) {
      this.#map.delete(key)
      this.#map.set(key, value)
    }
    return value
  }
  set(key: K, value: V): void {
    this.#map.delete(key)
    this.#map.set(key, value)
    if (this.#map.size > this.#limit) {
      for (const oldest of this.#map.keys()) {
        this.#map.delete(oldest)
        break
      }
    }
  }
  delete(key: K): void {
    this.#map.delete(key)
  }
  clear(): void {
    this.#map.clear()
  }
}
