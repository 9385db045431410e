import { randomBytes } from 'node:crypto'
import type { Clock } from '../../kit/clock.ts'
import { sha256 } from '../../kit/digest.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { Log } from '../../kit/log.ts'
import { Secret } from '../../kit/secret.ts'
import type { LedgerPort, SealPort } from '../../model/ports.ts'
import type { IdentityProvider } from '../../model/provider.ts'
import type { Store } from '../../store/store.ts'
import type { Attempts } from '../attempts.ts'
import type { Oidc } from '../oidc/oidc.ts'
import type { Saml } from '../saml/saml.ts'
import type { Turnstile } from '../turnstile.ts'
import type { Vouched } from '../vouched.ts'
import { browserMark, flowSecrets, sameText } from './binding.ts'
import { type SignInJournal, signInJournal } from './journal.ts'
import { LIMITS } from './limits.ts'
import type { Purpose } from './purpose.ts'
import type { SignIns, StartedSignIn } from './sign-ins.ts'

export interface DeskOptions {
  readonly store: Pick<Store, 'vouchers'>
  readonly providers: () => ReadonlyMap<string, IdentityProvider>
  readonly signIns: SignIns
  readonly oidc: Oidc
  readonly saml: Saml
  /** A limiter with bounds of its own: many people share an address. It bounds what strangers make us keep and write down. */
  readonly attempts: Attempts
  /** SAML is read a few messages at a time. */
  readonly reading: Turnstile
  readonly ledger: LedgerPort
  readonly seal: SealPort
  /** Base of our own URLs, without a slash at its end. */
  readonly base: () => string
  readonly clock: Clock
  readonly log: Log
}

/** The browser that asks, and where it comes from. */
export interface Visitor {
  /** Its secret: see `newBrowserKey`. */
  readonly browser: string
  /** Peer address. */
  readonly from: string
}

/** What a browser asks for. */
export interface Wish {
  readonly provider: string
  readonly purpose: Purpose
  readonly fresh: boolean
  /** The sign-in the browser has: it ends when another takes its place there. */
  readonly replaces?: string | undefined
}

/** What became of an answer: a session for the browser, or a question to the person before anything is handed to a program. */
export type Finished =
  | { readonly kind: 'session'; readonly signIn: StartedSignIn; readonly returnTo: string }
  | { readonly kind: 'confirm'; readonly ticket: string }

/** What a person is asked before a program gets a token. */
export interface Confirmation {
  readonly provider: IdentityProvider
  readonly vouched: Vouched
  readonly purpose: Purpose
}

/** The way through the door: begun in a browser, answered by a provider, confirmed by the person. Every step is good once, in that browser only. */
export interface SignInDesk {
  /** In the order of their names. */
  providers(): readonly IdentityProvider[]
  /** Where to send the browser. Throws `api.not_found`, `api.busy`, `signin.provider`. */
  begin(visitor: Visitor, wish: Wish): Promise<string>
  finishOidc(visitor: Visitor, answer: { readonly provider: string; readonly query: string }): Promise<Finished>
  finishSaml(
    visitor: Visitor,
    answer: { readonly provider: string; readonly form: Readonly<Record<string, string>> },
  ): Promise<Finished>
  /** What a ticket is about; the ticket stays good. Throws `signin.expired`. */
  asked(visitor: Visitor, ticket: string): Promise<Confirmation>
  /** Takes the person's yes: the sign-in of a program. Throws `signin.expired`, `signin.refused`. */
  confirm(visitor: Visitor, ticket: string): Promise<Confirmation & { readonly signIn: StartedSignIn }>
  /** Takes the person's no. */
  decline(visitor: Visitor, ticket: string): Promise<Confirmation>
  /** A code for the program that asked, good once and for a minute. */
  code(signIn: string, purpose: Extract<Purpose, { kind: 'cli' }>): Promise<string>
}

interface Flow {
  readonly provider: string
  readonly purpose: Purpose
  readonly mark: string
  readonly fresh: boolean
  readonly replaces?: string
}

interface Ticket {
  readonly provider: string
  readonly vouched: Vouched
  readonly purpose: Purpose
  readonly mark: string
}

const FLOW = 'flow'
const CONFIRM = 'confirm'
export const CODE = 'code'
/** A code that was redeemed, and the sign-in it led to. */
export const SPENT = 'spent-code'

const isState = (text: string | undefined) => /^[A-Za-z0-9_-]{43}$/.test(text ?? '')
const newKey = () => randomBytes(32).toString('base64url')

export function createSignInDesk(options: DeskOptions): SignInDesk {
  return new Desk(options)
}

class Desk implements SignInDesk {
  readonly #options: DeskOptions
  readonly #journal: SignInJournal

  constructor(options: DeskOptions) {
    this.#options = options
    this.#journal = signInJournal(options)
  }

  providers(): readonly IdentityProvider[] {
    return [...this.#options.providers().values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async begin(visitor: Visitor, { provider: name, purpose, fresh, replaces }: Wish) {
    const { attempts, saml, oidc, base } = this.#options
    const provider = this.#provider(name)
    attempts.check('begin', visitor.from)
    attempts.failed('begin', visitor.from)
    const mark = browserMark(visitor.browser)
    const flow: Flow = { provider: name, purpose, fresh, mark, ...(replaces && { replaces }) }
    const state = await this.#keep(FLOW, JSON.stringify(flow), { for_ms: LIMITS.flow_ms, most: LIMITS.flows })
    try {
      if (provider.saml) return await saml.begin(provider, { relayState: state, fresh })
      const redirectUri = callbackOf(base(), name)
      return (await oidc.begin(provider, { state, fresh, redirectUri, ...flowSecrets(visitor.browser, state) })).href
    } catch (error) {
      this.#journal.refused({ provider: name, from: visitor.from }, error)
      throw error
    }
  }

  finishOidc(visitor: Visitor, { provider: name, query }: { provider: string; query: string }): Promise<Finished> {
    const { oidc, base, attempts } = this.#options
    return this.#answered(visitor, name, async () => {
      const provider = this.#provider(name)
      if (!provider.oidc) throw new SluiceError('api.not_found')
      const redirectUri = callbackOf(base(), name)
      const answer = new URL(`${redirectUri}${query}`)
      const [state, ...more] = answer.searchParams.getAll('state')
      const flow = await this.#flow(visitor, name, more.length === 0 ? state : undefined)
      const secrets = flowSecrets(visitor.browser, state!)
      const vouched = await oidc.finish(provider, answer, { state: state!, redirectUri, fresh: flow.fresh, ...secrets })
      const finished = await this.#arrive(visitor, flow, vouched)
      attempts.passed('begin', visitor.from)
      return finished
    })
  }

  finishSaml(
    visitor: Visitor,
    { provider: name, form }: { provider: string; form: Readonly<Record<string, string>> },
  ): Promise<Finished> {
    return this.#answered(visitor, name, async () => {
      const provider = this.#provider(name)
      if (!provider.saml) throw new SluiceError('api.not_found')
      // A provider that begins by itself may send a RelayState of its own: it means nothing here.
      const relay = isState(form.RelayState) || !provider.saml.idpInitiated ? form.RelayState || undefined : undefined
      const asked = relay === undefined ? undefined : await this.#flow(visitor, name, relay)
      if (!asked && !provider.saml.idpInitiated) throw new SluiceError('signin.expired', 'RelayState: missing')
      const answer = { response: form.SAMLResponse ?? '', fresh: asked?.fresh ?? false, asked: relay }
      // Reading XML is the dearest thing a stranger can make us do.
      const { attempts, reading, saml } = this.#options
      const vouched = await reading(visitor.from, () => saml.finish(provider, answer))
      const unasked: Flow = { provider: name, purpose: { kind: 'console', returnTo: '/' }, fresh: false, mark: '' }
      const finished = await this.#arrive(visitor, asked ?? unasked, vouched)
      attempts.passed('begin', visitor.from)
      return finished
    })
  }

  asked(visitor: Visitor, ticket: string): Promise<Confirmation> {
    return this.#ticket(visitor, ticket, 'look')
  }

  async confirm(visitor: Visitor, ticket: string) {
    const asked = await this.#ticket(visitor, ticket, 'take')
    const { provider, vouched, purpose } = asked
    try {
      const arrival = { provider, vouched, purpose: purpose.kind, from: visitor.from }
      return { ...asked, signIn: await this.#options.signIns.start(arrival) }
    } catch (error) {
      this.#journal.refused({ provider: provider.name, from: visitor.from }, error)
      throw error
    }
  }

  decline(visitor: Visitor, ticket: string): Promise<Confirmation> {
    return this.#ticket(visitor, ticket, 'take')
  }

  code(signIn: string, { client, redirectUri, challenge }: Extract<Purpose, { kind: 'cli' }>): Promise<string> {
    const body = JSON.stringify({ signIn, client, redirectUri, challenge })
    return this.#keep(CODE, body, { for_ms: LIMITS.code_ms, most: LIMITS.codes })
  }

  #provider(name: string): IdentityProvider {
    const provider = this.#options.providers().get(name)
    if (!provider) throw new SluiceError('api.not_found')
    return provider
  }

  async #keep(kind: string, body: string, bound: { for_ms: number; most: number }): Promise<string> {
    const key = newKey()
    const now_ms = this.#options.clock.now_ms()
    const row = { kind, id: sha256(key), body, expires_ms: now_ms + bound.for_ms }
    await this.#options.store.vouchers.issue(row, bound.most, now_ms)
    return key
  }

  /** The flow an answer belongs to: once, for this provider, in this browser. */
  async #flow(visitor: Visitor, provider: string, state: string | undefined): Promise<Flow> {
    const { store, clock } = this.#options
    const body = state === undefined ? undefined : await store.vouchers.take(FLOW, sha256(state), clock.now_ms())
    if (body === undefined) throw new SluiceError('signin.expired', 'state: unknown, used or too old')
    const flow = JSON.parse(body) as Flow
    if (!sameText(flow.mark, browserMark(visitor.browser)))
      throw new SluiceError('signin.expired', 'state: begun in another browser')
    if (flow.provider !== provider) throw new SluiceError('signin.expired', `state: begun with ${flow.provider}`)
    return flow
  }

  /** Runs one answer: what fails is on record with its reason, until too much from there did. */
  async #answered(visitor: Visitor, provider: string, work: () => Promise<Finished>): Promise<Finished> {
    try {
      return await work()
    } catch (error) {
      const { attempts, providers } = this.#options
      const weight = providers().get(provider)?.saml ? LIMITS.saml_weight : 1
      if (attempts.failed('answer', visitor.from, weight))
        throw new SluiceError('api.limited', 'answer', { cause: error })
      this.#journal.refused({ provider, from: visitor.from }, error)
      throw error
    }
  }

  async #arrive(visitor: Visitor, flow: Flow, vouched: Vouched): Promise<Finished> {
    const { purpose } = flow
    if (purpose.kind !== 'console') {
      const ticket: Ticket = { provider: flow.provider, vouched, purpose, mark: flow.mark }
      const body = this.#options.seal.seal(CONFIRM, new Secret(JSON.stringify(ticket)))
      const bound = { for_ms: LIMITS.confirm_ms, most: LIMITS.confirms }
      return { kind: 'confirm', ticket: await this.#keep(CONFIRM, body, bound) }
    }
    const arrival = { provider: this.#provider(flow.provider), vouched, purpose: 'console', from: visitor.from }
    const { signIns } = this.#options
    const signIn = await signIns.start(arrival)
    if (flow.replaces !== undefined)
      await signIns.end(flow.replaces, 'another sign-in took its place in the browser', signIn.person)
    return { kind: 'session', signIn, returnTo: purpose.returnTo }
  }

  async #ticket(visitor: Visitor, key: string, how: 'look' | 'take'): Promise<Confirmation> {
    const { store, clock, seal } = this.#options
    const body = await store.vouchers[how](CONFIRM, sha256(key), clock.now_ms())
    if (body === undefined) throw new SluiceError('signin.expired', 'ticket: unknown, used or too old')
    const { mark, provider, ...rest } = JSON.parse(seal.open(CONFIRM, body).reveal()) as Ticket
    if (!sameText(mark, browserMark(visitor.browser)))
      throw new SluiceError('signin.expired', 'ticket: of another browser')
    return { ...rest, provider: this.#provider(provider) }
  }
}

/** Each provider answers at an address of its own: an answer meant for one cannot be handed to another (RFC 9700 §4.4). */
export function callbackOf(base: string, provider: string): string {
  return `${base}/sign-in/${provider}/callback`
}
