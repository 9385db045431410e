import { Environment } from '@marcbachmann/cel-js'
import { matchesLinear } from './pattern.ts'
import * as views from './views.ts'

const PARTY = {
  kind: 'string',
  id: 'string',
  name: 'string',
  groups: 'list<string>',
  claims: 'map<string, dyn>',
} as const

/** Every type a condition can meet, field by field. Generated references and did-you-mean read it too. */
export const TYPES = {
  Party: { ctor: views.ActorView, fields: PARTY },
  Principal: { ctor: views.PrincipalView, fields: { ...PARTY, actor: 'Party' } },
  Resource: { ctor: views.ResourceView, fields: { name: 'string', protocol: 'string', labels: 'map<string, string>' } },
  TouchedObject: {
    ctor: views.ObjectView,
    fields: { kind: 'string', name: 'string', labels: 'list<string>', effects: 'list<string>' },
  },
  Facts: {
    ctor: views.FactsView,
    fields: {
      kind: 'string',
      dialect: 'string',
      database: 'string',
      statements: 'int',
      tags: 'list<string>',
      functions: 'list<string>',
      tablesRead: 'list<string>',
      tablesWritten: 'list<string>',
      columns: 'list<string>',
      labels: 'list<string>',
      filters: 'list<string>',
      hasWhere: 'bool',
      vacuousWhere: 'bool',
      settings: 'list<string>',
      transaction: 'list<string>',
    },
  },
  Operation: {
    ctor: views.OperationView,
    fields: {
      verb: 'string',
      effects: 'list<string>',
      objects: 'list<TouchedObject>',
      text: 'string',
      facts: 'Facts',
      confidence: 'string',
      shape: 'string',
    },
  },
  Session: {
    ctor: views.SessionView,
    fields: { id: 'string', labelsRead: 'list<string>', operations: 'int', rows: 'int', bytes: 'int', inFlight: 'int' },
  },
} as const

/** The variables of a condition and their types. */
export const VARIABLES = {
  principal: 'Principal',
  resource: 'Resource',
  op: 'Operation',
  session: 'Session',
  now: 'google.protobuf.Timestamp',
} as const
export type Variable = keyof typeof VARIABLES

/** The name `string.matches` is given before evaluation: the library's own stands on the backtracking engine. */
export const LINEAR_MATCHES = 'matchesLinear'

function typed(): Environment {
  const environment = new Environment({ limits: { maxDepth: 100, maxAstNodes: 5_000 } })
  for (const [name, { ctor, fields }] of Object.entries(TYPES)) environment.registerType(name, { ctor, fields })
  const sync = { async: false }
  return environment
    .registerFunction('Operation.has(string): bool', views.hasWord, sync)
    .registerFunction('Operation.has(list<string>): bool', views.hasAny, sync)
    .registerFunction('Operation.only(list<string>): bool', views.hasOnly, sync)
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
} as const satisfies Record<string, { variables: readonly Variable[]; environment: Environment }>
export type Part = keyof typeof ENVIRONMENTS
