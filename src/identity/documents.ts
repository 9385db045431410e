import { type AgentRegisterOptions, createAgentRegister, type DeclaredAgent } from './agents.ts'
import { documentsOf, type PeopleDocuments, type PolicyOfPeople } from './people.ts'

/** The policy in force, and word of each that follows. */
export interface PolicySource {
  current(): PolicyOfPeople
  onChange(listener: (policy: PolicyOfPeople) => void): unknown
}

/** What the documents in force say of principals, made once for each policy. An agent with the name of another that was is unknown. */
export async function documentsInForce(
  policies: PolicySource,
  options: AgentRegisterOptions,
): Promise<() => PeopleDocuments> {
  const agents = createAgentRegister(options)
  await agents.observe(agentsOf(policies.current()))
  policies.onChange((policy) => {
    const failed = (error: unknown) => options.log.error('agents could not be compared', { error: String(error) })
    agents.observe(agentsOf(policy)).catch(failed)
  })
  let policy: PolicyOfPeople | undefined
  let documents: PeopleDocuments
  return () => {
    if (policy !== policies.current()) {
      policy = policies.current()
      const all = documentsOf(policy)
      documents = { ...all, lookup: (id) => (agents.admits(id) ? all.lookup(id) : undefined) }
    }
    return documents
  }
}

function agentsOf({ principals }: PolicyOfPeople): DeclaredAgent[] {
  return [...principals].flatMap(([id, { kind, owner = '', purpose = '' }]) =>
    kind === 'agent' ? [{ id, owner, purpose }] : [],
  )
}
