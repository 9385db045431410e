import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { sha256 } from '../../kit/digest.ts'

/** A browser's own secret: 256 bits, kept in a cookie of its own while a sign-in is open. */
export function newBrowserKey(): string {
  return randomBytes(32).toString('base64url')
}

/** Whether a cookie's value can be a browser's secret. */
export function isBrowserKey(value: string | undefined): value is string {
  return value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value)
}

/**
 * State, nonce and PKCE verifier of one flow. Nonce and verifier come from the browser's secret, so that neither is stored here, and an answer
 * is worth nothing in another browser.
 */
export function flowSecrets(browser: string, state: string): { readonly nonce: string; readonly verifier: string } {
  const derive = (purpose: string) => createHmac('sha256', browser).update(`${purpose}\0${state}`).digest('base64url')
  return { nonce: derive('nonce'), verifier: derive('verifier') }
}

/** What the store keeps of a browser's secret. */
export function browserMark(browser: string): string {
  return sha256(`browser\0${browser}`)
}

export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(sha256(a)), Buffer.from(sha256(b)))
}
