import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import { SluiceError } from '../kit/errors.ts'
import type { ApiEnv } from './env.ts'

/** True for a request that a browser sends for a page of another origin (Fetch Metadata; Origin where there is none). Programs say neither. */
export function isCrossSite(c: Context<ApiEnv>): boolean {
  const site = c.req.header('sec-fetch-site')
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  const origin = c.req.header('origin')
  return origin !== undefined && origin !== URL.parse(c.var.services.signIn.base())?.origin
}

/**
 * For what programs and providers call: a page of another origin has no business here. Refused before anything is looked at or counted, so
 * that nobody's browser can be made to show wrong credentials in the name of its address.
 */
export const programsOnly = createMiddleware<ApiEnv>(async (c, next) => {
  if (isCrossSite(c)) throw new SluiceError('signin.forged', 'sent by a page of another origin')
  await next()
})

/** For pages: another site may lead a person here, and may not load them behind the person's back. */
export const peopleOnly = createMiddleware<ApiEnv>(async (c, next) => {
  const dest = c.req.header('sec-fetch-dest')
  if (isCrossSite(c) && dest !== undefined && dest !== 'document')
    throw new SluiceError('signin.forged', 'loaded by a page of another origin')
  await next()
})
