import { sha256 } from '../kit/digest.ts'
import { type AgentRegisterOptions, createAgentRegister, type DeclaredAgent } from './agents.ts'
import { createLives, type Lives, type LivesOptions } from './lives.ts'
import { documentsOf, type PeopleDocuments, type PolicyOfPeople } from './people.ts'
import type { KnownPrincipal } from './principals.ts'

/** The policy in force, and word of each that follows. */
export interface PolicySource {
  current(): PolicyOfPeople
  onChange(listener: (policy: PolicyOfPeople) => void): unknown
}

/** What the documents in force say of principals, as one source. */
export interface DocumentsInForce {
  /** One object for one policy, until somebody in it begins another life. */
  current(): PeopleDocuments
  /** Reads what other processes wrote of lives. */
  load(): Promise<void>
}

/**
 * What the documents in force say of principals, and of each which of those who bore the name it is. An agent with the name of another group's that
 * was is unknown.
 */
export async function documentsInForce(
  policies: PolicySource,
  options: AgentRegisterOptions & LivesOptions,
): Promise<DocumentsInForce> {
  const agents = createAgentRegister(options)
  const lives = createLives(options)
  await lives.load()
  lives.observe(saidOf(policies.current()))
  await lives.written()
  await agents.observe(agentsOf(policies.current()))
  policies.onChange((policy) => {
    lives.observe(saidOf(policy))
    const failed = (error: unknown) => options.log.error('agents could not be compared', { error: String(error) })
    agents.observe(agentsOf(policy)).catch(failed)
  })
  let policy: PolicyOfPeople | undefined
  let revision = -1
  let documents: PeopleDocuments
  return {
    current() {
      if (policy !== policies.current() || revision !== lives.revision) {
        policy = policies.current()
        revision = lives.revision
        const all = documentsOf(policy)
        const lookup = living(all, lives)
        documents = {
          ...all,
          version: `${all.version} ${revision}`,
          lookup: (id) => (agents.admits(id) ? lookup(id) : undefined),
        }
      }
      return documents
    },
    load: () => lives.load(),
  }
}

/** Principals with their lives; one object for each, as long as it is in that life. */
function living(all: PeopleDocuments, lives: Lives): PeopleDocuments['lookup'] {
  const found = new Map<string, KnownPrincipal>()
  return (id) => {
    const known = found.get(id) ?? all.lookup(id)
    const life = lives.lifeOf(id)
    if (!known || life === undefined) return undefined
    const one = life === 0 || known.life === `${life}` ? known : { ...known, life: `${life}` }
    found.set(id, one)
    return one
  }
}

/** What each document says, for comparison: its own words, the groups it is in, and the accounts that are it. */
function saidOf({ principals, signIn }: PolicyOfPeople): Map<string, string> {
  const accounts = new Map<string, string[]>()
  for (const [account, id] of signIn.accounts) accounts.set(id, [...(accounts.get(id) ?? []), account])
  return new Map(
    [...principals].map(([id, declared]) => [id, sha256(JSON.stringify([declared, (accounts.get(id) ?? []).sort()]))]),
  )
}

function agentsOf({ principals }: PolicyOfPeople): DeclaredAgent[] {
  return [...principals].flatMap(([id, { kind, owner = '', purpose = '' }]) =>
    kind === 'agent' ? [{ id, owner, purpose }] : [],
  )
}
