interface Table<K, V> {
  get(key: K): V | undefined
  set(key: K, value: V): unknown
}

/** The value of a key, made and kept on first use. */
export function memo<K, V>(table: Table<K, V>, key: K, make: () => V): V {
  let value = table.get(key)
  if (value === undefined) {
    value = make()
    table.set(key, value)
  }
  return value
}
