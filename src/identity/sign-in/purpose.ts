import { LIMITS } from './limits.ts'

/** What a sign-in is for. */
export type Purpose =
  /** A browser's own session; `returnTo` is a path of ours. */
  | { readonly kind: 'console'; readonly returnTo: string }
  /** A program on the person's machine, by a loopback address (RFC 8252 §7.3) and PKCE. */
  | {
      readonly kind: 'cli'
      readonly client: string
      readonly redirectUri: string
      readonly challenge: string
      readonly state: string
    }
  /** A device that shows a code (RFC 8628). */
  | { readonly kind: 'device'; readonly code: string }

/**
 * A path of ours to go back to; anything else, another host above all, is the start page. Judged as a browser reads it, after dots are resolved:
 * `/.//host` becomes `//host`, which names a host (ATTACKS F27).
 */
export function ownPath(wanted: string | undefined): string {
  if (wanted === undefined || wanted.length > LIMITS.return_chars || !/^\/[\x21-\x5b\x5d-\x7e]*$/.test(wanted))
    return '/'
  const url = URL.parse(wanted, OWN)
  if (url?.origin !== OWN || url.pathname.startsWith('//')) return '/'
  const path = url.pathname + url.search + url.hash
  return URL.parse(path, OWN)?.href === url.href ? path : '/'
}

/** Stands for our own origin: nothing is ever sent there. */
const OWN = 'http://own.invalid'

/** A loopback address with a port of the program's choice (RFC 8252 §7.3). The name `localhost` is left out: it may resolve to anything. */
export function isLoopbackRedirect(text: string): boolean {
  const url = URL.parse(text)
  return (
    url !== null &&
    url.protocol === 'http:' &&
    (url.hostname === '127.0.0.1' || url.hostname === '[::1]') &&
    url.port !== '' &&
    url.username === '' &&
    url.password === '' &&
    url.hash === '' &&
    text.length <= LIMITS.return_chars
  )
}
