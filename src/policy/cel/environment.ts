import { Environment } from '@marcbachmann/cel-js'
import { matchesLinear } from './pattern.ts'
import * as views from './views.ts'
import { TYPES, VARIABLES, type Variable } from './vocabulary.ts'

/** The name `string.matches` is given before evaluation: the library's own stands on the backtracking engine. */
export const LINEAR_MATCHES = 'matchesLinear'

function typed(): Environment {
  const environment = new Environment({ limits: { maxDepth: 100, maxAstNodes: 5_000 } })
  for (const [name, { ctor, fields }] of Object.entries(TYPES)) {
    const types = Object.entries(fields).map(([field, [type]]) => [field, type])
    environment.registerType(name, { ctor, fields: Object.fromEntries(types) })
  }
  const sync = { async: false }
  return environment
    .registerFunction('Principal.claim(string): list<string>', views.claim, sync)
    .registerFunction('Party.claim(string): list<string>', views.claim, sync)
    .registerFunction('Operation.has(string): bool', views.hasWord, sync)
    .registerFunction('Operation.has(list<string>): bool', views.hasAny, sync)
    .registerFunction('Operation.only(list<string>): bool', views.hasOnly, sync)
    .registerFunction('Operation.mayRead(list<string>): bool', views.mayRead, sync)
    .registerFunction('Operation.mayRead(list<string>, list<string>): bool', views.mayRead, sync)
    .registerFunction('Command.has(string): bool', views.objectHasWord, sync)
    .registerFunction('Command.has(list<string>): bool', views.objectHasAny, sync)
    .registerFunction('Command.only(list<string>): bool', views.commandHasOnly, sync)
    .registerFunction('TouchedObject.has(string): bool', views.objectHasWord, sync)
    .registerFunction('TouchedObject.has(list<string>): bool', views.objectHasAny, sync)
    .registerFunction(`string.${LINEAR_MATCHES}(string): bool`, matchesLinear, sync)
}

const base = typed()

/** An environment that knows only these variables. */
function over(...variables: readonly Variable[]): Environment {
  const environment = base.clone()
  for (const name of variables) environment.registerVariable(name, VARIABLES[name])
  return environment
}

/** The three parts of a rule: who and on see one thing each, so their answer holds for a whole session. */
export const ENVIRONMENTS = {
  who: { variables: ['principal'], environment: over('principal') },
  on: { variables: ['resource'], environment: over('resource') },
  when: {
    variables: Object.keys(VARIABLES) as Variable[],
    environment: over('principal', 'resource', 'op', 'session', 'now'),
  },
  /** What a trusted issuer says of a workload: nothing else is known yet. */
  claims: { variables: ['claims'], environment: base.clone().registerVariable('claims', 'map<string, dyn>') },
} as const satisfies Record<string, { variables: readonly (Variable | 'claims')[]; environment: Environment }>
export type Part = keyof typeof ENVIRONMENTS
