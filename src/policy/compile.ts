import { sha256 } from '../kit/digest.ts'
import type { CommandTable } from '../model/commands.ts'
import type { Policy } from '../model/ports.ts'
import type { Principal } from '../model/principal.ts'
import type { Resource } from '../model/resource.ts'
import { scopeEffects } from '../model/scope.ts'
import type { TrustDirectory } from '../model/trust.ts'
import { compileBudget } from './budget.ts'
import { type Candidate, RuleIndex } from './candidates.ts'
import { compileClassification } from './classification.ts'
import { compileCommandTables } from './command-tables.ts'
import { Decider } from './decide.ts'
import { compileFreeze } from './freeze.ts'
import { type DeclaredPrincipal, Identities } from './identities.ts'
import { Labels } from './labels.ts'
import { PolicyErrors, type Problem } from './problem.ts'
import { compileProviders, type Providers } from './providers.ts'
import { type ReadByKind, readPolicy } from './read.ts'
import { compileResource } from './resources.ts'
import { type CompiledRule, compileRule } from './rule.ts'
import type { PolicyFile } from './source.ts'
import { compileTrust } from './trust.ts'

/** What else the documents say, for the services, the CLI and the console. */
export interface PolicyDetails {
  readonly resources: readonly Resource[]
  /** Rules, freezes and budgets in the order they were written. */
  readonly rules: readonly CompiledRule[]
  /** Declared humans, agents and services by id. */
  readonly principals: ReadonlyMap<string, DeclaredPrincipal>
  /** Names of all groups the documents know. */
  readonly groups: ReadonlySet<string>
  /** What is valid but surely not meant. */
  readonly warnings: readonly Problem[]
  /** Groups of a principal: its own and those the documents add. Rules, and approvers, are judged by these. */
  groupsOf(principal: Pick<Principal, 'id' | 'groups'>): readonly string[]
  /** Identity providers by name, and which of their accounts are people of the documents. */
  readonly signIn: Providers
  /** Issuers whose tokens prove workloads. */
  readonly trust: TrustDirectory
}

export type CompiledPolicy = Policy & PolicyDetails

function couldGrant({ rule, broken }: Candidate): boolean {
  return (rule.outcome === 'allow' || rule.outcome === 'approve') && !rule.shadow && broken === ''
}

/** Files whose documents serve `sluice policy test` only. */
const TEST_FILE = /\.test\.ya?ml$/

/**
 * Compiles policy documents. Throws PolicyErrors with everything that is wrong, or returns a policy that never throws.
 * Documents in `*.test.yaml` files never come into force: only the runner of cases asks for them.
 */
export function compilePolicy(all: readonly PolicyFile[], { withTests = false } = {}): CompiledPolicy {
  const files = withTests ? all : all.filter((file) => !TEST_FILE.test(file.path))
  const problems: Problem[] = []
  const documents = readPolicy(files, problems)
  const rules = [
    ...documents.Rule.map((read) => compileRule(read, problems)),
    ...documents.Freeze.map((read) => compileFreeze(read, problems)),
    ...documents.Budget.map((read) => compileBudget(read, problems)),
  ].filter((rule) => rule !== undefined)
  const classifications = documents.Classification.map((read) => compileClassification(read, problems)).filter(
    (each) => each !== undefined,
  )
  const commands = compileCommandTables(documents.CommandTable, problems)
  const resources = documents.Resource.map((read) => compileResource(read, problems))
  const signIn = compileProviders(documents, problems)
  const identities = new Identities(documents)
  const trust = compileTrust(documents.TrustedIssuer, new Set(identities.principals.keys()), problems)
  if (problems.length > 0) throw new PolicyErrors(inReadingOrder(problems, files))
  rules.sort((a, b) => a.order - b.order)
  return new DocumentPolicy({
    version: digestOf(files),
    resources,
    rules,
    identities,
    signIn,
    trust,
    labels: new Labels(classifications),
    commands,
    warnings: inReadingOrder(idleMasks(documents), files),
  })
}

/** Masks whose labels no Classification gives: a mistyped label would leave its columns in the clear. */
function idleMasks({ Rule, Classification }: ReadByKind): Problem[] {
  const given = Classification.flatMap(({ body }) =>
    [...(body.columns ?? []), ...(body.paths ?? [])].flatMap(({ labels }) => labels),
  )
  return Rule.flatMap(({ body, source }) =>
    (body.oblige?.mask ?? []).flatMap((duty, i) =>
      duty.labels.flatMap((label, j) => {
        const family = label.endsWith('.*') ? label.slice(0, -2) : undefined
        const gives = (each: string) =>
          each === label || each === family || (family !== undefined && each.startsWith(`${family}.`))
        if (label === '*' || given.some(gives)) return []
        const at = source.at(['oblige', 'mask', i, 'labels', j])
        return [
          {
            file: source.file,
            ...at,
            message: `No Classification gives the label "${label}", so this masks nothing.`,
            remedy: '',
          },
        ]
      }),
    ),
  )
}

function inReadingOrder(problems: readonly Problem[], files: readonly PolicyFile[]): readonly Problem[] {
  const place = new Map(files.map((file, i) => [file.path, i]))
  return [...problems].sort(
    (a, b) => (place.get(a.file) ?? 0) - (place.get(b.file) ?? 0) || a.line - b.line || a.column - b.column,
  )
}

/** Over the texts, not the paths: the same documents elsewhere are the same policy. */
function digestOf(files: readonly PolicyFile[]): string {
  return sha256(JSON.stringify(files.map((file) => file.text)))
}

interface Parts {
  readonly version: string
  readonly resources: readonly Resource[]
  readonly rules: readonly CompiledRule[]
  readonly identities: Identities
  readonly signIn: Providers
  readonly trust: TrustDirectory
  readonly labels: Labels
  readonly commands: CommandTable
  readonly warnings: readonly Problem[]
}

class DocumentPolicy implements CompiledPolicy {
  readonly commands: CommandTable
  readonly version: string
  readonly resources: readonly Resource[]
  readonly rules: readonly CompiledRule[]
  readonly warnings: readonly Problem[]
  readonly signIn: Providers
  readonly trust: TrustDirectory
  readonly #identities: Identities
  readonly #labels: Labels
  readonly #byName: ReadonlyMap<string, Resource>
  readonly #index: RuleIndex
  readonly #decider: Decider

  constructor({ version, resources, rules, identities, signIn, trust, labels, warnings, commands }: Parts) {
    this.commands = commands
    this.version = version
    this.resources = resources
    this.rules = rules
    this.warnings = warnings
    this.signIn = signIn
    this.trust = trust
    this.#identities = identities
    this.#labels = labels
    this.#byName = new Map(resources.map((resource) => [resource.name, resource]))
    this.#index = new RuleIndex(rules, identities)
    this.#decider = new Decider(this.#index, version)
  }

  get principals(): ReadonlyMap<string, DeclaredPrincipal> {
    return this.#identities.principals
  }
  get groups(): ReadonlySet<string> {
    return this.#identities.groups
  }
  groupsOf(principal: Pick<Principal, 'id' | 'groups'>): readonly string[] {
    return this.#identities.groupsOf(principal)
  }
  resource(name: string): Resource | undefined {
    return this.#byName.get(name)
  }
  labels(resource: Resource) {
    return this.#labels.of(resource)
  }
  decide(request: Parameters<Policy['decide']>[0]) {
    return this.#decider.decide(request)
  }

  /** Everyone in the chain must have a rule that could say yes; one whose parts cannot be evaluated does not count. */
  mayOpen(principal: Principal, resource: Resource): boolean {
    try {
      if (principal.scope !== undefined && scopeEffects(principal.scope, resource.name) === 0) return false
      let depth = 0
      for (let party: Principal | undefined = principal; party !== undefined; party = party.actor) {
        depth += 1
        const { candidates, outside } = this.#index.plan(party, resource)
        if (depth > 8 || outside || !candidates.some(couldGrant)) return false
      }
      return true
    } catch {
      return false
    }
  }
}
