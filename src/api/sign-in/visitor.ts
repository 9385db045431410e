import type { Context } from 'hono'
import { isBrowserKey, newBrowserKey } from '../../identity/sign-in/binding.ts'
import type { Visitor } from '../../identity/sign-in/desk.ts'
import type { ApiEnv } from '../env.ts'
import { LIMITS } from '../limits.ts'
import { peerOf } from '../peer.ts'
import { cookieOf, FLOW_COOKIE, setCookie } from './cookies.ts'

/** The browser that asks; one without a secret of its own gets a secret nobody's flow was begun with. */
export function visitorOf(c: Context<ApiEnv>): Visitor {
  const kept = cookieOf(c, FLOW_COOKIE)
  return { browser: isBrowserKey(kept) ? kept : newBrowserKey(), from: peerOf(c) }
}

/** The same, and the browser keeps its secret while the sign-in is open. Several tabs share it: their states differ. */
export function greet(c: Context<ApiEnv>, { cross = false } = {}): Visitor {
  const visitor = visitorOf(c)
  setCookie(c, { name: FLOW_COOKIE, value: visitor.browser, seconds: LIMITS.flow_cookie_s, cross })
  return visitor
}
