/** Edit distance with a ceiling; two letters swapped count as one change. Stops as soon as every path costs more than `most`. */
function distance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = swapped ? before[j - 2]! + 1 : change
      next.push(Math.min(change, swap, row[j]! + 1, next[j - 1]! + 1))
    }
    before = row
    row = next
    if (Math.min(...row) > most) return most + 1
  }
  return row[b.length]!
}

/** The known word nearest to a mistyped one, or undefined when none is near. Words above 64 characters are not compared. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  if (word.length > 64) return undefined
  const typed = word.toLowerCase()
  let best: string | undefined
  let least = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of known) {
    const cost = distance(typed, candidate.toLowerCase(), least)
    if (cost < least) {
      least = cost
      best = candidate
    }
  }
  return best
}

/** "Write `nearest`.", or the list of what may be written. */
export function writeOneOf(word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  return near === undefined ? `Write one of ${known.join(', ')}.` : `Write \`${near}\`.`
}
