import type { MiddlewareHandler } from 'hono'
import { SluiceError } from '../kit/errors.ts'
import type { ApiEnv } from './env.ts'

/**
 * Bounds a request's body, in bytes; throws `api.too_large`. A length that is announced is believed, since the server reads no further; without
 * one the body is read here, up to the bound. Not hono's own: that copies the request, which the server's adapter does not allow.
 */
export function bodyLimit(most: (path: string) => number): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const limit = most(c.req.path)
    const length = c.req.header('content-length')
    if (length !== undefined) {
      if (!(Number(length) <= limit)) throw new SluiceError('api.too_large')
    } else if (c.req.method !== 'GET' && c.req.method !== 'HEAD' && c.req.raw.body) {
      const parts: Uint8Array[] = []
      let size = 0
      for await (const part of c.req.raw.body) {
        size += part.byteLength
        if (size > limit) throw new SluiceError('api.too_large')
        parts.push(part)
      }
      const { url, method } = c.req
      const headers = new Headers(c.req.header())
      c.req.raw = new Request(url, { method, headers, body: Buffer.concat(parts) })
    }
    await next()
  }
}
