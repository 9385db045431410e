import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CommandFailure, EXIT } from '../exit.ts'

/** A sign-in by browser, waited for on a port of this machine (RFC 8252 §7.3, RFC 7636). */
export interface BrowserSignIn {
  /** Where the browser has to go. */
  readonly url: string
  readonly redirectUri: string
  readonly verifier: string
  /** The code, once the browser brings it. Rejects with a CommandFailure: refused, or nobody came in time. */
  readonly code: Promise<string>
  close(): void
}

/** How long a browser is waited for. */
const WAIT_MS = 300_000
const MOST_REQUESTS = 50

const words = (bytes: number) => randomBytes(bytes).toString('base64url')

/** Opens a one-shot port and words the request that leads to it. `wait_ms` is for tests. */
export async function awaitBrowser(
  gateway: string,
  { provider, fresh, wait_ms = WAIT_MS }: { provider?: string | undefined; fresh: boolean; wait_ms?: number },
): Promise<BrowserSignIn> {
  const state = words(32)
  const verifier = words(32)
  const { promise: code, resolve, reject } = Promise.withResolvers<string>()
  code.catch(() => {})
  let requests = 0
  const server = createServer((request, response) => {
    if (++requests > MOST_REQUESTS) return void request.socket.destroy()
    const found = readAnswer(request, state, gateway)
    respond(response, found)
    if (found.kind === 'code') resolve(found.code)
    if (found.kind === 'refused') reject(new CommandFailure('The sign-in was refused in the browser.', EXIT.denied))
  })
  await new Promise<void>((listening, failed) => {
    server.once('error', failed)
    server.listen(0, '127.0.0.1', listening)
  })
  const timer = setTimeout(
    () => reject(new CommandFailure('Nobody signed in in time.', EXIT.failure, 'Start again: sluice login')),
    wait_ms,
  )
  const redirectUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const url = new URL(`${gateway}/authorize`)
  const query: Record<string, string> = {
    ...{ response_type: 'code', client_id: 'sluice-cli', redirect_uri: redirectUri, state },
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(provider && { provider }),
    ...(fresh && { fresh: '1' }),
  }
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  return {
    ...{ url: url.href, redirectUri, verifier, code },
    close() {
      clearTimeout(timer)
      server.close()
      server.closeAllConnections()
    },
  }
}

type Answer =
  | { readonly kind: 'code'; readonly code: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'other' }

/** What a request to the port brings. One without our state is somebody else's, and changes nothing. */
function readAnswer(request: IncomingMessage, state: string, gateway: string): Answer {
  const url = URL.parse(request.url ?? '', 'http://127.0.0.1')
  if (request.method !== 'GET' || url?.pathname !== '/' || url.searchParams.get('state') !== state)
    return { kind: 'other' }
  const iss = url.searchParams.get('iss')
  if (iss !== null && URL.parse(iss)?.origin !== new URL(gateway).origin) return { kind: 'other' }
  const code = url.searchParams.get('code')
  return code ? { kind: 'code', code } : { kind: 'refused' }
}

const SAID = {
  code: [200, 'Signed in', 'You may close this page and go back to the terminal.'],
  refused: [200, 'Not signed in', 'You may close this page.'],
  other: [404, 'Not found', 'This page waits for a sign-in.'],
} as const

function respond(response: ServerResponse, { kind }: Answer): void {
  const [status, title, text] = SAID[kind]
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
    Connection: 'close',
  })
  response.end(
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body><h1>${title}</h1><p>${text}</p></body></html>`,
  )
}
