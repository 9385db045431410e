/** One word of a command as far as it is known before it runs. */
export interface Argument {
  /** Without quotes; what is known only when it runs stays as written. */
  readonly text: string
  /** The program gets exactly `text`. */
  readonly literal: boolean
  /** What the word, or each of the words it becomes, surely begins with. */
  readonly prefix: string
  /** An expansion may make several words of it, or none, each beginning with anything. */
  readonly splits: boolean
  /** A pattern of file names, or braces: it may become several words, each beginning with `prefix`. */
  readonly several: boolean
  /** Nothing but file names can come of it: a pattern whose parts never name the folder above. */
  readonly pattern: boolean
  /** The files it may be, as names and patterns, where its text does not say. */
  readonly files?: readonly string[]
  /** A pipe to another command stands in its place. */
  readonly pipe: boolean
}

export function literal(text: string): Argument {
  return { text, literal: true, prefix: text, splits: false, several: false, pattern: false, pipe: false }
}

/** A word nothing is known of. `splits`: it may also become several. */
export function unknownWord(text: string, splits = true): Argument {
  return { text, literal: false, prefix: '', splits, several: splits, pattern: false, pipe: false }
}

/**
 * A word that is known only when it runs but is no option: a file name somebody hands over with its folder. `files`: what it may be, as
 * names and patterns, where that is known.
 */
export function unknownFile(text: string, files?: readonly string[]): Argument {
  const word = { text, literal: false, prefix: '.', splits: false, several: false, pattern: false, pipe: false }
  return files ? { ...word, files } : word
}

/** True when a program might take the word for an option that is not seen. */
export function mayBeOption(word: Argument): boolean {
  if (word.literal) return false
  return word.splits || word.prefix === '' || word.prefix.startsWith('-')
}
