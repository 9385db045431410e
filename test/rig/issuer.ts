import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey']

export interface SignWish {
  /** Replaces or adds claims; a claim set to undefined is left out. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  /** The key to sign with; default the first. */
  readonly kid?: string
}

/** An issuer of workload tokens: a real key set on a real HTTP server on this machine. */
export interface TestIssuer extends AsyncDisposable {
  /** What its tokens say in `iss`. */
  readonly url: string
  /** Paths that were asked for, in order. */
  readonly asked: string[]
  /** What the key set holds now; a test may change it. */
  keys: JWK[]
  /** Answers in place of the real ones, by path. */
  readonly answers: Map<string, (request: IncomingMessage, response: ServerResponse) => void>
  /** Makes a key, publishes it and signs with it when told to. */
  addKey(kid: string, alg?: string): Promise<void>
  /** A token that lives for five minutes, audience `sluice`. */
  sign(wish?: SignWish): Promise<string>
  publicKey(kid?: string): JWK
}

export async function startIssuer(): Promise<TestIssuer> {
  const pairs = new Map<string, { alg: string; private: PrivateKey; public: JWK }>()
  const asked: string[] = []
  const answers: TestIssuer['answers'] = new Map()
  const issuer = { keys: [] as JWK[] }
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    const answer = answers.get(path)
    if (answer) return answer(request, response)
    const documents: Readonly<Record<string, unknown>> = {
      '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/jwks` },
      '/jwks': { keys: issuer.keys },
    }
    response.writeHead(path in documents ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(documents[path]))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const made = Object.assign(issuer, {
    url,
    asked,
    answers,
    async addKey(kid: string, alg = 'RS256') {
      const pair = await generateKeyPair(alg, { extractable: true })
      const publicJwk = { ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig' }
      pairs.set(kid, { alg, private: pair.privateKey, public: publicJwk })
      issuer.keys = [...issuer.keys, publicJwk]
    },
    publicKey: (kid = 'k1') => pairs.get(kid)!.public,
    async sign({ claims = {}, header = {}, kid = 'k1' }: SignWish = {}) {
      const { alg, private: key } = pairs.get(kid)!
      const now_s = Math.floor(Date.now() / 1_000)
      const all = {
        ...{ iss: url, sub: 'repo:acme/shop:ref:refs/heads/main', aud: 'sluice', iat: now_s, exp: now_s + 300 },
        ...{ repository: 'acme/shop', ref: 'refs/heads/main' },
        ...claims,
      }
      const present = Object.entries(all).filter(([, value]) => value !== undefined)
      return await new SignJWT(Object.fromEntries(present))
        .setProtectedHeader({ alg, kid, typ: 'JWT', ...header })
        .sign(key)
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
  await made.addKey('k1')
  return made
}
