import { randomBytes, randomInt, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../kit/clock.ts'
import { SluiceError } from '../kit/errors.ts'
import { newId } from '../kit/ids.ts'
import type { Claim, Invitation, Principal } from '../model/principal.ts'
import { LIMITS } from './limits.ts'

/** Letters that nobody takes for others, without vowels: a code is never a word. */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ'
const CODE_LETTERS = 8

/** A sign-in that waits in a terminal, as the browser is shown it. */
export interface PendingLink {
  readonly id: string
  /** What the terminal asked for, and from where: untrusted. */
  readonly resource: string
  readonly from: string
  readonly created_ms: number
  readonly expires_ms: number
}

/** Sign-ins begun in a terminal and finished in a browser. They live in this process: so does the connection that waits. */
export interface SshLinks {
  /** Undefined while too many wait. */
  invite(asked: { readonly resource: string; readonly from: string }): Invitation | undefined
  /** What waits under this id. */
  find(id: string): PendingLink | undefined
  /**
   * A signed-in person says: that terminal is mine. Throws `api.not_found` when it does not wait (any more), `api.forbidden` for an agent and
   * for a wrong code, of which there may be a few.
   */
  confirm(id: string, code: string, person: Principal): void
  /** A signed-in person says: it is not mine. */
  refuse(id: string): void
  /** Whom a confirmed link stands for; once. */
  redeem(secret: string): Principal | undefined
}

interface Waiting extends PendingLink {
  readonly code: string
  tries: number
  readonly settle: (claim: Omit<Claim, 'from'> | undefined) => void
}

export interface SshLinksOptions {
  readonly clock: Clock
  /** The page a link leads to, given its id. */
  readonly url: (id: string) => string
}

/** Keeps the links of one gateway. */
export function createSshLinks({ clock, url }: SshLinksOptions): SshLinks {
  const waiting = new Map<string, Waiting>()
  const confirmed = new Map<string, { readonly principal: Principal; readonly until_ms: number }>()

  function end(id: string, claim?: Omit<Claim, 'from'>): void {
    const link = waiting.get(id)
    if (!link) return
    waiting.delete(id)
    link.settle(claim)
  }

  return {
    invite({ resource, from }) {
      if (waiting.size >= LIMITS.links) return undefined
      const now_ms = clock.now_ms()
      const id = newId('lnk', now_ms)
      const code = newCode()
      const expires_ms = now_ms + LIMITS.link_ms
      const answered = new Promise<Omit<Claim, 'from'> | undefined>((settle) => {
        const timer = setTimeout(() => end(id), LIMITS.link_ms)
        timer.unref()
        waiting.set(id, {
          id,
          resource: resource.slice(0, 128),
          from,
          created_ms: now_ms,
          expires_ms,
          code: bare(code),
          tries: 0,
          settle: (claim) => {
            clearTimeout(timer)
            settle(claim)
          },
        })
      })
      return { url: url(id), code, expires_ms, answered, cancel: () => end(id) }
    },
    find(id) {
      const link = waiting.get(id)
      if (!link) return undefined
      const { resource, from, created_ms, expires_ms } = link
      return { id, resource, from, created_ms, expires_ms }
    },
    confirm(id, code, person) {
      const link = waiting.get(id)
      if (!link) throw new SluiceError('api.not_found')
      if (person.kind !== 'human' || person.actor) throw new SluiceError('api.forbidden')
      if (!sameCode(link.code, bare(code))) {
        if (++link.tries >= LIMITS.link_tries) end(id)
        throw new SluiceError('api.forbidden')
      }
      const secret = randomBytes(32).toString('base64url')
      confirmed.set(secret, { principal: person, until_ms: clock.now_ms() + LIMITS.link_redeem_ms })
      end(id, { kind: 'link', proof: secret })
    },
    refuse: (id) => end(id),
    redeem(secret) {
      const found = confirmed.get(secret)
      confirmed.delete(secret)
      // What nobody came for.
      for (const [each, { until_ms }] of confirmed) if (until_ms < clock.now_ms()) confirmed.delete(each)
      return found && found.until_ms >= clock.now_ms() ? found.principal : undefined
    },
  }
}

/** `BCDF-GHJK`: 34 bits, for a few tries within minutes. */
function newCode(): string {
  let code = ''
  for (let i = 0; i < CODE_LETTERS; i++) code += LETTERS[randomInt(LETTERS.length)]
  return `${code.slice(0, 4)}-${code.slice(4)}`
}

function bare(code: string): string {
  return code.replace(/[\s-]/g, '').toUpperCase()
}

function sameCode(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)]
  return x.length === y.length && timingSafeEqual(x, y)
}
