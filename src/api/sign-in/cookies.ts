import { hash } from 'node:crypto'
import type { Context } from 'hono'
import { SluiceError } from '../../kit/errors.ts'
import type { ApiEnv } from '../env.ts'

/** A browser's session, and the secret it keeps while a sign-in is open. `__Host-`: no other host, and no page without TLS, can set one. */
export const SESSION_COOKIE = '__Host-sluice'
export const FLOW_COOKIE = '__Host-sluice-flow'

/** The value of a cookie; undefined where it is missing or there are two of the name: one of them is not ours. */
export function cookieOf(c: Context<ApiEnv>, name: string): string | undefined {
  const found = (c.req.header('cookie') ?? '')
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part.startsWith(`${name}=`))
  return found.length === 1 ? found[0]!.slice(name.length + 1) : undefined
}

/** Sets a cookie scripts cannot read. `cross`: also sent with a form that another site posts here, as SAML's answers are. */
export function setCookie(
  c: Context<ApiEnv>,
  { name, value, seconds, cross = false }: { name: string; value: string; seconds: number; cross?: boolean },
): void {
  const site = cross ? 'None' : 'Lax'
  c.header('Set-Cookie', `${name}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; Secure; SameSite=${site}`, {
    append: true,
  })
}

export function dropCookie(c: Context<ApiEnv>, name: string): void {
  setCookie(c, { name, value: '', seconds: 0 })
}

/** What a page's forms and scripts send along with a change: only a page of ours can have read it. */
export function csrfOf(cookie: string): string {
  return hash('sha512-256', `csrf\0${cookie}`, 'base64url')
}

/** Throws `signin.forged` for a change that does not come from a page of ours: by its origin, and by a text only such a page knows. */
export function checkOrigin(
  c: Context<ApiEnv>,
  { given, cookie }: { given: string | undefined; cookie: string },
): void {
  const origin = c.req.header('origin')
  const site = c.req.header('sec-fetch-site')
  if (origin !== new URL(c.var.services.signIn.base()).origin)
    throw new SluiceError('signin.forged', `origin ${String(origin).slice(0, 100)}`)
  if (site !== undefined && site !== 'same-origin')
    throw new SluiceError('signin.forged', `sent from ${site.slice(0, 20)}`)
  if (given !== csrfOf(cookie)) throw new SluiceError('signin.forged', 'its token is missing or another session’s')
}
