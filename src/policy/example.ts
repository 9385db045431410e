import type { Decision } from '../model/decision.ts'
import { type Effect, effects } from '../model/effects.ts'
import type { SqlFacts } from '../model/facts.ts'
import type { Operation } from '../model/operation.ts'
import type { DecisionRequest } from '../model/ports.ts'
import type { Principal } from '../model/principal.ts'
import { type CompiledPolicy, compilePolicy } from './compile.ts'

/** A small world for tests: one resource with labels, one without, an agent, a human. */

const BASE = `
kind: Resource
name: orders
protocol: postgres
address: 127.0.0.1:5432
labels: { env: prod }
users: [{ name: app, password: { env: APP } }]
---
kind: Resource
name: bare
protocol: postgres
address: 127.0.0.1:5432
users: [{ name: app }]
`

const FACTS: SqlFacts = {
  kind: 'sql',
  dialect: 'postgres',
  database: 'shop',
  statements: 1,
  tags: ['SELECT'],
  functions: [],
  tables: { read: [], written: [] },
  columns: [],
  labels: [],
  filters: [],
  hasWhere: true,
  vacuousWhere: false,
  settings: [],
  transaction: [],
}

export function operation(names: readonly Effect[], facts: Partial<SqlFacts> = {}): Operation {
  return {
    verb: 'SELECT',
    effects: effects(...names),
    objects: [],
    text: 'shape',
    facts: { ...FACTS, ...facts },
    shape: 'call',
    confidence: 'exact',
  }
}

export const agent: Principal = {
  kind: 'agent',
  id: 'agent:bot',
  name: 'bot',
  groups: [],
  claims: {},
  credential: 't1',
}
export const ada: Principal = {
  kind: 'human',
  id: 'human:ada',
  name: 'ada',
  groups: ['dba'],
  claims: {},
  credential: 't2',
}

/** A request on `orders` at the beginning of time and of a session. */
export function request(policy: CompiledPolicy, ...[principal, operation, more = {}]: Asked): DecisionRequest {
  const resource = policy.resource('orders')!
  const session = { id: 's', labelsRead: [], operations: 1, rows: 0, bytes: 0, inFlight: 0 }
  return { principal, resource, operation, call: { text: 'select 1' }, session, now_ms: 0, ...more }
}

type Asked = [principal: Principal, operation: Operation, more?: Partial<DecisionRequest>]

export function ask(policy: CompiledPolicy, ...asked: Asked): Decision {
  return policy.decide(request(policy, ...asked))
}

export function policyOf(...rules: readonly string[]): CompiledPolicy {
  return compilePolicy([{ path: 'policy.yaml', text: [BASE, ...rules].join('\n---\n') }])
}
