import type { PolicyService, PolicyStatus } from '../api/services.ts'
import type { Clock } from '../kit/clock.ts'
import { SluiceError } from '../kit/errors.ts'
import { effectNames } from '../model/effects.ts'
import type { Operation } from '../model/operation.ts'
import type { Resource } from '../model/resource.ts'
import { explain } from '../policy/index.ts'
import type { PolicyFolder } from './policy-folder.ts'

/** Turns a text into the operation a session on the resource would make of it. Throws SluiceError for one nobody could analyse. */
export type AnalyseText = (text: string, resource: Resource, database: string | undefined) => Promise<Operation>

export interface PolicyServiceParts {
  readonly policies: PolicyFolder
  readonly analyse: AnalyseText
  readonly clock: Clock
}

/** A session that has done nothing yet: what a question about one statement is asked in. */
const FRESH = { id: 'ses_explain', labelsRead: [], operations: 0, rows: 0, bytes: 0, inFlight: 0 } as const

/** The policy as the API tells of it. */
export function policyService({ policies, analyse, clock }: PolicyServiceParts): PolicyService {
  const status = (): PolicyStatus => {
    const { version, rules, resources } = policies.current()
    return {
      version,
      loaded_ms: policies.loaded_ms(),
      rules: rules.length,
      resources: resources.length,
      problems: policies.problems(),
    }
  }
  return {
    status,
    async reload() {
      policies.reload()
      return status()
    },
    async explain({ principal, resource: name, database, text }) {
      const policy = policies.current()
      const resource = policy.resource(name)
      if (!resource) throw new SluiceError('api.not_found')
      const operation = await analyse(text, resource, database)
      const told = explain(policy, {
        principal,
        resource,
        operation,
        call: { text },
        session: FRESH,
        now_ms: clock.now_ms(),
      })
      const { decision } = told
      const decided = told.parties
        .flatMap((party) => party.rules)
        .find(({ rule, state }) => rule === decision.rule && state !== 'unmatched')
      const because = decided?.parts
        .flatMap((part) => part.because)
        .map(({ source, saw }) => (saw.length > 0 ? `${source} (${saw.join(', ')})` : source))
      return {
        ...decision,
        verb: operation.verb,
        effects: effectNames(operation.effects),
        objects: operation.objects.map(({ kind, name, effect, labels }) => ({
          kind,
          name,
          effects: effectNames(effect),
          labels,
        })),
        confidence: operation.confidence,
        ...(because && because.length > 0 ? { because: because.join(' and ') } : {}),
      }
    },
  }
}
