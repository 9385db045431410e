import { lookup } from 'node:dns'
import { type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { SluiceError } from '../../kit/errors.ts'
import { isLoopbackAddress, isPrivateAddress } from './address.ts'
import { LIMITS } from './limits.ts'

export interface DocumentWish {
  readonly url: string
  /** Whether private addresses may be asked; in the clear, this machine only. */
  readonly allowPrivate: boolean
  /** PEM of the authorities the server is verified by; the system's where undefined. */
  readonly ca: string | undefined
}

/**
 * Fetches one JSON document. Throws `trust.keys`: for a redirect (whoever answers may not send us elsewhere), an address that is not allowed
 * (looked at when connecting, so that a name cannot change in between), an answer that is late, too large or no JSON.
 */
export async function fetchDocument(wish: DocumentWish): Promise<unknown> {
  const url = readUrl(wish)
  const signal = AbortSignal.timeout(LIMITS.fetch_ms)
  try {
    const response = await ask(url, wish, signal)
    if (response.statusCode !== 200) {
      response.destroy()
      throw new SluiceError('trust.keys', `${url.origin} answered with status ${response.statusCode}`)
    }
    return JSON.parse(await text(response))
  } catch (cause) {
    if (cause instanceof SluiceError) throw cause
    const why = signal.aborted ? 'no answer in time' : cause instanceof Error ? cause.message : String(cause)
    throw new SluiceError('trust.keys', `${url.origin}: ${why}`, { cause })
  }
}

function readUrl({ url: written, allowPrivate }: DocumentWish): URL {
  const url = URL.canParse(written) ? new URL(written) : undefined
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.username || url.password)
    throw new SluiceError('trust.keys', 'the address of the keys is no plain http(s) address')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (url.protocol === 'http:' && !(allowPrivate && (isLoopbackAddress(host) || host === 'localhost')))
    throw new SluiceError('trust.keys', `${url.origin} would send keys in the clear`)
  // A literal address is never looked up, so it is judged here.
  if (isIP(host)) judge(host, { allowPrivate, clear: url.protocol === 'http:' })
  return url
}

interface Rule {
  readonly allowPrivate: boolean
  readonly clear: boolean
}

function judge(address: string, { allowPrivate, clear }: Rule): void {
  if (!allowPrivate && isPrivateAddress(address))
    throw new SluiceError('trust.keys', `${address} is a private address; allow it by \`network: { private: true }\``)
  if (clear && !isLoopbackAddress(address))
    throw new SluiceError('trust.keys', `${address} would send keys in the clear`)
}

function ask(url: URL, { allowPrivate, ca }: DocumentWish, signal: AbortSignal): Promise<IncomingMessage> {
  const rule = { allowPrivate, clear: url.protocol === 'http:' }
  const options = {
    signal,
    agent: false as const,
    lookup: judgedLookup(rule),
    headers: { accept: 'application/json', 'user-agent': 'sluice' },
    ...(ca === undefined ? {} : { ca }),
  }
  return new Promise((resolve, reject) => {
    const sent: ClientRequest = rule.clear ? plainRequest(url, options) : tlsRequest(url, options)
    sent.once('response', resolve)
    sent.once('error', reject)
    sent.end()
  })
}

/** Looks a name up and hands on its addresses only when every one of them may be asked. */
function judgedLookup(rule: Rule): LookupFunction {
  return (name, options, done) =>
    lookup(name, { ...options, all: true }, (error, found) => {
      if (error) return done(error, '', 0)
      try {
        for (const { address } of found) judge(address, rule)
      } catch (thrown) {
        return done(thrown as Error, '', 0)
      }
      if (options.all) return done(null, found as never, 0)
      done(null, found[0]!.address, found[0]!.family)
    })
}

async function text(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > LIMITS.document_bytes) {
      response.destroy()
      throw new SluiceError('trust.keys', `the answer has more than ${LIMITS.document_bytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
