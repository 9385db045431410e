import { SluiceError } from '../kit/errors.ts'

/** Where in a file, both from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** One thing wrong with a document, and what to write instead. */
export interface Problem extends Position {
  readonly file: string
  readonly message: string
  /** A whole sentence, "Write …". */
  readonly remedy: string
}

/** `file:line:column: what is wrong. Write …` */
export function formatProblem(problem: Problem): string {
  const { file, line, column, message, remedy } = problem
  return `${file}:${line}:${column}: ${message}${remedy ? ` ${remedy}` : ''}`
}

/** Problems spelt out in the error's own text; `problems` has all. */
const SPELT_OUT = 20

/** Every problem of a set of documents at once, in reading order. */
export class PolicyErrors extends SluiceError {
  readonly problems: readonly Problem[]
  constructor(problems: readonly Problem[]) {
    const lines = problems.slice(0, SPELT_OUT).map(formatProblem)
    if (problems.length > SPELT_OUT) lines.push(`and ${problems.length - SPELT_OUT} more`)
    super('policy.invalid', lines.join('\n'))
    this.name = 'PolicyErrors'
    this.problems = problems
  }
}
