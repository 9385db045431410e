import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import type { LedgerPort } from '../model/ports.ts'
import type { AgentsRepository } from '../store/agents.ts'

/** An agent as its document declares it now. */
export interface DeclaredAgent {
  readonly id: string
  readonly owner: string
  readonly purpose: string
}

export interface AgentRegisterOptions {
  readonly store: { readonly agents: AgentsRepository }
  readonly ledger: LedgerPort
  readonly clock: Clock
  readonly log: Log
}

/** Every agent there ever was: an id in an old entry of the ledger means the same agent for good. */
export interface AgentRegister {
  /** Compares the documents with what is known. Runs one at a time; call it whenever documents come into force. */
  observe(agents: readonly DeclaredAgent[]): Promise<void>
  /** False for an id that once was another group's agent: nobody gets it again. */
  admits(id: string): boolean
}

/**
 * An agent whose document goes is remembered. The same owner may bring it back; under another owner the id stays closed, because rights and
 * records of the one that was would pass to the one that is. A change of owner while the document stands is a change, on record.
 */
export function createAgentRegister({ store, ledger, clock, log }: AgentRegisterOptions): AgentRegister {
  let closed: ReadonlySet<string> = new Set()
  let work: Promise<void> = Promise.resolve()

  async function compare(agents: readonly DeclaredAgent[]): Promise<void> {
    const known = new Map((await store.agents.all()).map((row) => [row.id, row]))
    const now_ms = clock.now_ms()
    const taken = new Set<string>()
    for (const { id, owner, purpose } of agents) {
      const row = known.get(id)
      known.delete(id)
      if (row && row.gone_ms !== null && row.owner !== owner) {
        taken.add(id)
        log.error('an agent has the name of one that was; choose another name', { agent: id, owner, was: row.owner })
        continue
      }
      if (row && row.owner === owner && row.purpose === purpose && row.gone_ms === null) continue
      if (row && row.owner !== owner) record(ledger, { action: 'agent.owner', subject: id, owner, was: row.owner })
      await store.agents.put({ id, owner, purpose, first_ms: row?.first_ms ?? now_ms, gone_ms: null })
    }
    for (const row of known.values()) if (row.gone_ms === null) await store.agents.put({ ...row, gone_ms: now_ms })
    closed = taken
  }

  return {
    observe(agents) {
      work = work.catch(() => {}).then(() => compare(agents))
      return work
    },
    admits: (id) => !closed.has(id),
  }
}

function record(ledger: LedgerPort, entry: Readonly<Record<string, string>>): void {
  ledger.append('admin', JSON.stringify({ ...entry, by: 'policy' }).slice(1, -1))
  ledger.commit()
}
