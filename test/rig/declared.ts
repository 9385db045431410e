import { documentsInForce } from '../../src/identity/documents.ts'
import { createIdentity, type Identity } from '../../src/identity/identity.ts'
import { createPeople } from '../../src/identity/people.ts'
import { createLog } from '../../src/kit/log.ts'
import { type CompiledPolicy, compilePolicy } from '../../src/policy/index.ts'
import type { Store } from '../../src/store/store.ts'

/** One process's view of who is declared: identity over documents that change. */
export interface Declared extends Disposable {
  readonly identity: Identity
  /** Puts other documents in force. */
  declare(documents: string): void
  /** Notices what other processes wrote. */
  notice(): Promise<void>
  /** A token of this principal, as the gateway's machine makes one. */
  token(principal: string, actors?: readonly string[]): Promise<string>
  /** Whether a token stands for anybody. */
  stands(token: string): Promise<boolean>
}

/** Milliseconds since the epoch, to be moved by the test. */
export interface Hands {
  now_ms: number
}

export async function startDeclared(store: Store, hands: Hands, documents: string): Promise<Declared> {
  const clock = { now_ms: () => hands.now_ms, monotonic_ms: () => hands.now_ms }
  const log = createLog('error', () => {})
  const ledger = { append: () => 0, commit: () => {}, durable: async () => {} }
  const listeners: ((policy: CompiledPolicy) => void)[] = []
  const compiled = (text: string) => compilePolicy([{ path: 'policy.yaml', text }])
  let policy = compiled(documents)
  const policies = {
    current: () => policy,
    onChange: (listener: (policy: CompiledPolicy) => void) => listeners.push(listener),
  }
  const declared = await documentsInForce(policies, { store, ledger, clock, log })
  const people = createPeople({ store, documents: declared.current, clock, log })
  people.also({ lookup: () => undefined, load: declared.load })
  await people.load()
  const identity = createIdentity({ store, clock, principals: people, log })
  return {
    identity,
    declare(text) {
      policy = compiled(text)
      for (const listener of listeners) listener(policy)
    },
    notice: () => people.load(),
    async token(principal, actors = []) {
      const wish = { principal, actors, label: '', ttl_ms: 86_400_000, by: 'serve', kind: 'machine' } as const
      return (await identity.issueToken(wish)).token.reveal()
    },
    stands: async (token) => (await identity.authenticate({ kind: 'token', proof: token, from: '' })) !== undefined,
    [Symbol.dispose]() {
      identity.close()
      people.close()
    },
  }
}
