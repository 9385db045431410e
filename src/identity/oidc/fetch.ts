import { LIMITS } from './limits.ts'

/** fetch for providers: follows no redirect, waits and reads within bounds. Throws what fetch throws, or a RangeError. */
export async function boundedFetch(url: string, options: object): Promise<Response> {
  const signal = AbortSignal.timeout(LIMITS.request_ms)
  const response = await fetch(url, { ...(options as RequestInit), redirect: 'manual', signal })
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of response.body ?? []) {
    size += part.byteLength
    if (size > LIMITS.answer_bytes) throw new RangeError(`the answer is larger than ${LIMITS.answer_bytes} bytes`)
    parts.push(part as Uint8Array)
  }
  const { status, statusText, headers } = response
  const empty = status === 204 || status === 304 || size === 0
  return new Response(empty ? null : Buffer.concat(parts), { status, statusText, headers })
}
