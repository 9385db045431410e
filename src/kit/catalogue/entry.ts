/** What a coded reason says. */
export interface CatalogueEntry {
  /** Safe for anyone to see. */
  readonly message: string
  /** What to do about it. */
  readonly remedy: string
}
