import { request as plainRequest } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Caller, EVENTS, startTestApi, type TestApi } from '../../test/rig/api.ts'
import { sha256 } from '../kit/digest.ts'
import { SluiceError } from '../kit/errors.ts'
import { answerOf, createClient, eventsOf, type ServerEvent } from './client.ts'
import { type ApiListener, listenApi } from './server.ts'

let api: TestApi
let server: ApiListener

beforeEach(async () => {
  api = await startTestApi()
  server = await listenApi({ app: api.app, port: 0 })
})
afterEach(async () => {
  await server.close()
  await api[Symbol.asyncDispose]()
})

const as = (caller: Caller) => createClient({ url: server.url, token: api.token(caller) }).api.v1
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: SluiceError) => error,
  )

/** Reads on until `count` events came or the stream ended. */
async function take(events: AsyncGenerator<ServerEvent>, count: number): Promise<ServerEvent[]> {
  const taken: ServerEvent[] = []
  while (taken.length < count) {
    const { done, value } = await events.next()
    if (done) break
    taken.push(value)
  }
  return taken
}

describe('the client', () => {
  it('calls typed routes over a real socket', async () => {
    const { sessions } = await answerOf(as('bot').sessions.$get({ query: {} }))
    expect(sessions.map(({ id, state }) => [id, state])).toEqual([
      ['ses_live', 'held'],
      ['ses_past', 'closed'],
    ])
    const approval = await answerOf(as('ada').approvals[':id'].$get({ param: { id: api.ids.approval }, query: {} }))
    const yes = { param: { id: approval.id }, json: { digest: approval.digest } }
    expect((await answerOf(as('ada').approvals[':id'].approve.$post(yes))).state).toBe('approved')
    await answerOf(as('root').secrets[':name'].$put({ param: { name: 'pw' }, json: { value: 's' } }))
    expect((await answerOf(as('root').secrets.$get())).secrets).toMatchObject([{ name: 'pw', updatedBy: 'human:root' }])
  })

  it('throws a refusal with the gateway’s own words', async () => {
    const error = await failure(answerOf(as('eve').secrets.$get()))
    expect(error).toBeInstanceOf(SluiceError)
    expect(error).toMatchObject({
      code: 'api.forbidden',
      message: 'You may not do that.',
      remedy: 'Ask an administrator; `sluice whoami` shows who you are here.',
    })
    const named = await failure(answerOf(as('root').tokens.$post({ json: { principal: 'human:nobody', ttl_ms: 1e6 } })))
    expect(named?.message).toContain('no policy document names "human:nobody"')
  })

  it('says so when no gateway answers, or something else does', async () => {
    const send = (status: number, text: string) =>
      createClient({ url: 'http://x', fetch: async () => new Response(text, { status }) })
    for (const client of [
      createClient({ url: 'http://127.0.0.1:1' }),
      send(502, '<html>'),
      send(404, '{"code":"toString"}'),
      send(500, 'null'),
    ]) {
      expect(await failure(answerOf(client.api.v1.me.$get()))).toMatchObject({ code: 'api.unreachable' })
    }
  })
})

describe('an event stream', () => {
  it('brings a session’s events, then ends', async () => {
    const events = eventsOf(as('sue').sessions[':id'].watch.$get({ param: { id: 'ses_live' } }))
    expect(await take(events, 9)).toEqual(EVENTS.map((data) => ({ event: data.kind, data })))
    expect(
      await failure(take(eventsOf(as('ada').sessions[':id'].watch.$get({ param: { id: 'ses_live' } })), 1)),
    ).toMatchObject({ code: 'api.not_found' })
  })

  // G46
  it('brings to each only what is theirs', async () => {
    const theirs = await listening('ada')
    const strangers = await listening('eve')
    const { id } = await api.services.approvals.request(api.request({ digest: sha256('new') }))
    expect(await take(theirs, 1)).toMatchObject([
      { event: 'requested', data: { id, state: 'pending', mayDecide: true } },
    ])
    await api.services.approvals.decide({
      id,
      approver: await principal('ada'),
      verdict: 'reject',
      digest: sha256('new'),
      reason: '',
    })
    expect(await take(theirs, 1)).toMatchObject([{ event: 'ended', data: { id, state: 'rejected' } }])
    const next = strangers.next()
    await api.services.identity.revokeToken(api.tokenIds.eve, 'test')
    expect(await next).toEqual({ done: true, value: undefined })
  })

  it('ends when its token is revoked, and gives its place back when the reader leaves', async () => {
    const events = await listening('ada')
    const next = events.next()
    await api.services.identity.revokeToken(api.tokenIds.ada, 'test')
    expect(await next).toEqual({ done: true, value: undefined })
    for (let round = 0; round < 3; round++) {
      const streams = await Promise.all(Array.from({ length: 20 }, () => response('root')))
      expect(streams.map(({ status }) => status)).toEqual(Array(20).fill(200))
      expect((await response('root')).status).toBe(429)
      for (const { body } of streams) await body?.cancel()
      await expect.poll(() => open.streams).toBe(0)
    }
  })

  let open = { streams: 0 }
  beforeEach(() => {
    const mine = { streams: 0 }
    open = mine
    const { follow } = api.services.approvals
    Object.assign(api.services.approvals, {
      follow(listener: Parameters<typeof follow>[0]) {
        mine.streams++
        const stop = follow(listener)
        return () => {
          mine.streams--
          stop()
        }
      },
    })
  })

  const response = (caller: Caller) =>
    fetch(`${server.url}/api/v1/approvals/events`, { headers: { authorization: `Bearer ${api.token(caller)}` } })
  const principal = async (caller: Caller) =>
    (await api.services.identity.authenticate({ kind: 'token', proof: api.token(caller), from: '' }))!

  /** A stream that has begun: its follower is in place. */
  async function listening(caller: Caller): Promise<AsyncGenerator<ServerEvent>> {
    const before = open.streams
    const answer = as(caller).approvals.events.$get()
    await answer
    await expect.poll(() => open.streams).toBe(before + 1)
    return eventsOf(answer)
  }
})

describe('the listener', () => {
  it('refuses to be reached from other machines without TLS, and says which port is taken', async () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.1', 'example.com']) {
      expect(await failure(listenApi({ app: api.app, host, port: 0 }))).toMatchObject({ code: 'config.invalid' })
    }
    const taken = await failure(listenApi({ app: api.app, port: server.port }))
    expect(taken?.message).toMatch(new RegExp(`port ${server.port} on 127.0.0.1 is taken`))
  })

  it('reads the peer from the socket, not from a header', async () => {
    const headers = (i: number) => ({
      authorization: 'Bearer slu_guess',
      'x-forwarded-for': `10.0.0.${i}`,
      forwarded: `for=10.0.0.${i}`,
    })
    for (let i = 0; i < 20; i++)
      expect((await fetch(`${server.url}/api/v1/me`, { headers: headers(i) })).status).toBe(401)
    expect((await fetch(`${server.url}/api/v1/me`, { headers: headers(99) })).status).toBe(429)
  })

  it('refuses a body without end, and large headers, and goes on', async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${api.token('root')}`,
        'content-type': 'application/json',
        'transfer-encoding': 'chunked',
      }
      const sent = plainRequest(`${server.url}/api/v1/secrets/pw`, { method: 'PUT', headers }, (answer) =>
        resolve(answer.statusCode!),
      )
      sent.on('error', reject)
      sent.write(`{"value":"${'x'.repeat(300_000)}`)
    })
    expect(status).toBe(413)
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(server.port, '127.0.0.1', () =>
        socket.write(`GET /health HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`),
      )
      socket.setEncoding('utf8').once('data', (text: string) => resolve(text))
    })
    expect(answer).toMatch(/^HTTP\/1.1 431/)
    expect(await (await fetch(`${server.url}/health`)).json()).toEqual({ status: 'ok' })
  })

  it('closes at once, event streams too', async () => {
    const answer = await fetch(`${server.url}/api/v1/approvals/events`, {
      headers: { authorization: `Bearer ${api.token('ada')}` },
    })
    const read = failure(answer.text())
    await server.close()
    await read
    expect(await failure(fetch(`${server.url}/health`))).toBeDefined()
    server = await listenApi({ app: api.app, port: 0 })
  })
})

it('the document names every route, its answer and its refusal', async () => {
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
    openapi: string
    paths: Record<string, Record<string, { summary?: string; responses: Record<string, unknown> }>>
    components: { schemas: Record<string, unknown>; securitySchemes: unknown }
  }
  expect(document.openapi).toBe('3.1.0')
  expect(Object.keys(document.components.schemas)).toEqual(
    expect.arrayContaining(['Refusal', 'Approval', 'Session', 'Token']),
  )
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const operation of Object.values(methods)) {
      expect([path, operation.summary]).toEqual([path, expect.stringMatching(/\.$/)])
      if (path !== '/health') expect([path, Object.keys(operation.responses)]).toEqual([path, ['200', 'default']])
    }
  }
})
