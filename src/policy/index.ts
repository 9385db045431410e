export { type CompiledPolicy, compilePolicy, type PolicyDetails } from './compile.ts'
export type { DeclaredPrincipal } from './identities.ts'
export { formatProblem, PolicyErrors, type Problem } from './problem.ts'
export type { PolicyFile } from './source.ts'
