export interface Exception {
  readonly test: string
  readonly why: string
}

/** What one suite came to. `exceptions` are the tests that did not pass and are explained; a failure nobody explained is in `failed` only. */
export interface SuiteResult {
  readonly name: string
  readonly passed: number
  readonly total: number
  readonly failed: readonly string[]
  /** Where to look. */
  readonly evidence?: string
}
