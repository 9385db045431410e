import { isDeepStrictEqual } from 'node:util'
import { toSluiceError } from '../kit/errors.ts'
import type { Decision, Obligations } from '../model/decision.ts'
import type { SessionFacts } from '../model/facts.ts'
import type { Operation } from '../model/operation.ts'
import type { Principal } from '../model/principal.ts'
import type { Resource } from '../model/resource.ts'
import type { CompiledPolicy } from './compile.ts'
import { PolicyErrors, type Problem } from './problem.ts'
import { type Read, readPolicy } from './read.ts'
import { obligationsOf } from './rule.ts'
import type { DocumentOf } from './schema.ts'
import type { PolicyFile } from './source.ts'

/** A Test document. */
export type PolicyTest = Read<'Test'>
type Case = DocumentOf<'Test'>['cases'][number]
type Expected = Case['expect']

/** Turns what a case sends into an operation; what it throws is the refusal of a text nobody could analyse. */
export type Analyse = (text: string, resource: Resource) => Operation | Promise<Operation>

export interface CaseResult {
  readonly file: string
  readonly line: number
  readonly test: string
  readonly name: string
  /** What was expected and what came; empty when the case passed. */
  readonly failures: readonly string[]
  readonly decision: Decision | undefined
}

/** The Test documents of these files. Throws PolicyErrors when one of them is not valid. */
export function policyTests(files: readonly PolicyFile[]): readonly PolicyTest[] {
  const problems: Problem[] = []
  const { Test } = readPolicy(files, problems)
  if (problems.length > 0) throw new PolicyErrors(problems)
  return Test
}

/** Runs every case against a policy, in order. Never throws for what a case holds. */
export async function runPolicyTests(
  policy: CompiledPolicy,
  tests: readonly PolicyTest[],
  analyse: Analyse,
): Promise<CaseResult[]> {
  const results: CaseResult[] = []
  for (const { body, source } of tests) {
    for (const [i, each] of body.cases.entries()) {
      const { line } = source.at(['cases', i])
      const place = { file: source.file, line, test: body.name, name: each.name }
      results.push({ ...place, ...(await runCase(policy, each, analyse)) })
    }
  }
  return results
}

async function runCase(
  policy: CompiledPolicy,
  each: Case,
  analyse: Analyse,
): Promise<Pick<CaseResult, 'failures' | 'decision'>> {
  const resource = policy.resource(each.on)
  if (resource === undefined) return { failures: [`there is no resource "${each.on}"`], decision: undefined }
  const principal = principalOf(policy, each.as)
  const text = each.sql ?? each.command
  if (text === undefined || (each.sql !== undefined && each.command !== undefined))
    return { failures: ['the case sends nothing, or two things: write `sql` or `command`'], decision: undefined }
  let operation: Operation
  try {
    operation = await analyse(text, resource)
  } catch (thrown) {
    const { code } = toSluiceError(thrown)
    return { failures: differences(each.expect, { outcome: 'deny', rule: '', reason: code }), decision: undefined }
  }
  const now_ms = each.now === undefined ? 0 : Date.parse(each.now)
  const decision = policy.decide({
    principal,
    resource,
    operation,
    call: { text },
    session: sessionOf(each),
    now_ms,
  })
  const failures = differences(each.expect, decision)
  const mayOpen = policy.mayOpen(principal, resource)
  if (each.expect.mayOpen !== undefined && each.expect.mayOpen !== mayOpen)
    failures.push(`mayOpen: expected ${each.expect.mayOpen}, got ${mayOpen}`)
  return { failures, decision }
}

/** A declared principal, or one the case describes. */
export function principalOf(policy: CompiledPolicy, as: Case['as']): Principal {
  const described = typeof as === 'string' ? { id: as } : as
  const { id, groups = [], claims = {} } = described
  const declared = policy.principals.get(id)
  const actor = 'actor' in described && described.actor !== undefined ? principalOf(policy, described.actor) : undefined
  return {
    kind: id.slice(0, id.indexOf(':')) as Principal['kind'],
    id,
    name: declared?.name ?? id.slice(id.indexOf(':') + 1),
    groups,
    claims,
    credential: '',
    ...(actor && { actor }),
  }
}

function sessionOf({ session = {} }: Case): SessionFacts {
  const { labelsRead = [], operations = 0, rows = 0, bytes = 0, inFlight = 0 } = session
  return { id: 'test', labelsRead, operations, rows, bytes, inFlight }
}

type Got = Pick<Decision, 'outcome' | 'rule' | 'reason'> & Partial<Decision>

function differences(expected: Expected, got: Got): string[] {
  const failures: string[] = []
  const compare = (what: string, want: unknown, have: unknown) => {
    if (want !== undefined && !isDeepStrictEqual(want, have))
      failures.push(`${what}: expected ${JSON.stringify(want)}, got ${JSON.stringify(have)}`)
  }
  compare('outcome', expected.outcome, got.outcome)
  compare('rule', expected.rule, got.rule)
  compare('reason', expected.reason, got.reason)
  compare('message', expected.message, got.message)
  compare('matched', expected.matched && [...expected.matched].sort(), [...(got.matched ?? [])].sort())
  compare('shadow', expected.shadow && [...expected.shadow].sort(), (got.shadow ?? []).map(({ rule }) => rule).sort())
  compare('obligations', expected.obligations && plain(obligationsOf(expected.obligations)), plain(got.obligations))
  return failures
}

/** Without what makes no difference: an order of masks, a false readOnly. */
function plain(obligations: Obligations | undefined): object {
  const { mask = [], readOnly, ...limits } = obligations ?? {}
  const masks = mask.map((duty) => ({ with: duty.with, labels: [...duty.labels].sort() }))
  const sorted = masks.map((duty) => JSON.stringify(duty)).sort()
  return { ...limits, ...(readOnly && { readOnly }), ...(sorted.length > 0 && { mask: sorted }) }
}
