import { PolicyErrors, type Problem } from '../../policy/index.ts'

/** What an action gives and no problems, or nothing and the problems of the documents. Other errors pass. */
export function problemsOf<T>(action: () => T): [result: T | undefined, problems: Problem[]] {
  try {
    return [action(), []]
  } catch (thrown) {
    if (thrown instanceof PolicyErrors) return [undefined, [...thrown.problems]]
    throw thrown
  }
}
