import { describe, expect, it, vi } from 'vitest'
import { DIGEST, EVENTS, startTestApi, type TestApi } from '../../test/rig/api.ts'
import { sha256 } from '../kit/digest.ts'

const refusal = async (response: Response) => ({
  http: response.status,
  ...((await response.json()) as { code: string; message: string; hint: string }),
})
const APPROVE = (api: TestApi) => `/api/v1/approvals/${api.ids.approval}/approve`

describe('a refusal', () => {
  it('has the one shape everywhere', async () => {
    await using api = await startTestApi()
    const answers = [
      await api.call(undefined, 'GET', '/api/v1/me'),
      await api.call('eve', 'GET', '/api/v1/secrets'),
      await api.call('eve', 'GET', '/nowhere'),
    ]
    expect(await Promise.all(answers.map((answer) => answer.json()))).toEqual([
      {
        status: 'denied',
        code: 'api.unauthorized',
        rule: '',
        message: 'You are not signed in here: the token is missing, wrong, or has ended.',
        hint: expect.any(String),
        retry: false,
      },
      {
        status: 'denied',
        code: 'api.forbidden',
        rule: '',
        message: 'You may not do that.',
        hint: expect.any(String),
        retry: false,
      },
      {
        status: 'error',
        code: 'api.not_found',
        rule: '',
        message: 'There is no such thing, or you may not see it.',
        hint: expect.any(String),
        retry: false,
      },
    ])
    expect(answers.map((answer) => answer.status)).toEqual([401, 403, 404])
    expect(answers[0]!.headers.get('www-authenticate')).toMatch(/^Bearer/)
    for (const answer of answers)
      expect([answer.headers.get('cache-control'), answer.headers.get('x-content-type-options')]).toEqual([
        'no-store',
        'nosniff',
      ])
  })

  // G47
  it('of an error of ours tells nothing of it', async () => {
    await using api = await startTestApi()
    vi.spyOn(api.services.vault, 'list').mockRejectedValue(new Error('canary in a stack'))
    vi.spyOn(api.services.log, 'error').mockImplementation(() => {})
    const answer = await refusal(await api.call('root', 'GET', '/api/v1/secrets'))
    expect(answer).toMatchObject({ http: 500, code: 'internal' })
    expect(JSON.stringify(answer)).not.toContain('canary')
  })

  // F33
  it.each<[string, string, unknown]>([
    ['no JSON', 'body', '{'],
    ['another type', 'body', '[]'],
    ['null', 'body', 'null'],
    ['nothing', 'body', ''],
    ['a field too many', 'body', { principal: 'human:eve', ttl_ms: 1e6, admin: true }],
    ['a prototype', 'body', '{"principal":"human:eve","ttl_ms":60000,"__proto__":{"admin":true}}'],
    ['a constructor', 'body', '{"principal":"human:eve","ttl_ms":60000,"constructor":{"prototype":{"x":1}}}'],
    ['a field of another type', 'ttl_ms', { principal: 'human:eve', ttl_ms: '60000' }],
    ['no number', 'ttl_ms', '{"principal":"human:eve","ttl_ms":1e999}'],
    ['deep nesting', 'body', '['.repeat(100_000)],
    ['a list too long', 'actors', { principal: 'human:eve', ttl_ms: 1e6, actors: Array(8).fill('human:ada') }],
  ])('of a body with %s names what is wrong, and nothing was done', async (_, __, body) => {
    await using api = await startTestApi()
    expect(await refusal(await api.call('root', 'POST', '/api/v1/tokens', body))).toMatchObject({
      http: 400,
      code: 'api.invalid',
    })
    expect(api.entries).toEqual([])
    expect(({} as Record<string, unknown>).admin).toBeUndefined()
  })

  it('of a wrong field names the field and not its value', async () => {
    await using api = await startTestApi()
    const { message } = await refusal(
      await api.call('root', 'PUT', '/api/v1/secrets/pw', { value: 'canary', vaule: 'canary' }),
    )
    expect(message).toMatch(/vaule/)
    expect(message).not.toContain('canary')
    const service = await refusal(
      await api.call('root', 'POST', '/api/v1/tokens', { principal: 'human:\u202Enobody', ttl_ms: 1e6 }),
    )
    expect(service).toMatchObject({ http: 400, code: 'token.invalid' })
    expect(service.message).toMatch(/no policy document names "human:⟦U\+202E⟧nobody"/)
  })

  it('comes before a body too large is read, and a stranger’s body is not looked at', async () => {
    await using api = await startTestApi()
    const body = { value: 'x'.repeat(300_000) }
    expect(await refusal(await api.call('root', 'PUT', '/api/v1/secrets/pw', body))).toMatchObject({
      http: 413,
      code: 'api.too_large',
    })
    expect(await refusal(await api.call(undefined, 'PUT', '/api/v1/secrets/pw', body))).toMatchObject({ http: 401 })
  })
})

describe('sign-in', () => {
  it.each([
    ['Basic', 'Basic eDp5'],
    ['no token', 'Bearer '],
    ['two words', 'Bearer a b'],
    ['a long one', `Bearer ${'x'.repeat(300)}`],
    ['unknown', 'Bearer slu_x'],
  ])('is refused with %s', async (_, authorization) => {
    await using api = await startTestApi()
    expect((await api.app.request('/api/v1/me', { headers: { authorization } })).status).toBe(401)
  })

  it('wrong too often from one address hears that, and whoever is right there passes at any time', async () => {
    await using api = await startTestApi()
    const guess = () => api.app.request('/api/v1/me', { headers: { authorization: 'Bearer slu_guess' } })
    for (let i = 0; i < 20; i++) expect((await guess()).status).toBe(401)
    expect(await refusal(await guess())).toMatchObject({ http: 429, code: 'api.limited', retry: true })
    expect((await api.call('eve', 'GET', '/api/v1/me')).status).toBe(200)
    await api.services.identity.revokeToken(api.tokenIds.eve, 'test')
    expect(await refusal(await api.call('eve', 'GET', '/api/v1/me'))).toMatchObject({ code: 'identity.revoked' })
    const later = performance.now() + 3_001
    vi.spyOn(api.services.clock, 'monotonic_ms').mockReturnValue(later)
    expect((await guess()).status).toBe(401)
  })

  it('tells who you are', async () => {
    await using api = await startTestApi()
    expect(await (await api.call('bot', 'GET', '/api/v1/me')).json()).toMatchObject({
      admin: false,
      principal: { chain: [{ id: 'agent:bot' }, { id: 'human:sue' }], credential: api.tokenIds.bot },
    })
    expect(await (await api.call('root', 'GET', '/api/v1/me')).json()).toMatchObject({ admin: true })
  })
})

describe('a change', () => {
  it.each<[string, string, string, unknown, Record<string, unknown>]>([
    [
      'root',
      'POST',
      '/api/v1/tokens',
      { principal: 'human:eve', ttl_ms: 60_000, label: 'l' },
      { action: 'token.issue', subject: 'human:eve', ttl_ms: 60_000 },
    ],
    ['root', 'PUT', '/api/v1/secrets/pw', { value: 'canary' }, { action: 'secret.set', subject: 'pw' }],
    ['root', 'DELETE', '/api/v1/secrets/pw', undefined, { action: 'secret.delete', subject: 'pw' }],
    ['root', 'POST', '/api/v1/policy/reload', undefined, { action: 'policy.reload' }],
    ['root', 'GET', '/api/v1/sessions/ses_past/events', undefined, { action: 'session.read', subject: 'ses_past' }],
  ])(
    'is in the ledger before it is made, and not made when it cannot be (%s %s %s)',
    async (_, method, path, body, entry) => {
      await using api = await startTestApi()
      await api.call('root', method, path, body)
      expect(api.entries).toEqual([
        { kind: 'admin', body: expect.objectContaining({ ...entry, by: 'human:root', credential: api.tokenIds.root }) },
      ])
      expect(JSON.stringify(api.entries)).not.toContain('canary')
      const tokens = await api.services.identity.listTokens()
      const secrets = await api.services.vault.list()
      const reload = vi.spyOn(api.services.policy, 'reload')
      api.ledgerFails = true
      expect(await refusal(await api.call('root', method, path, body))).toMatchObject({
        http: 503,
        code: 'ledger.unwritable',
        retry: true,
      })
      expect(await api.services.identity.listTokens()).toEqual(tokens)
      expect(await api.services.vault.list()).toEqual(secrets)
      expect(reload).not.toHaveBeenCalled()
    },
  )

  it('that only takes away is made although the ledger fails', async () => {
    await using api = await startTestApi()
    vi.spyOn(api.services.log, 'error').mockImplementation(() => {})
    api.ledgerFails = true
    expect((await api.call('sue', 'POST', '/api/v1/sessions/ses_live/kill', { reason: 'stop' })).status).toBe(200)
    expect(api.kills).toEqual(['ses_live by human:sue: stop'])
    expect((await api.call('sue', 'POST', `/api/v1/tokens/${api.ids.token}/revoke`)).status).toBe(200)
    expect((await api.call('bot', 'GET', '/api/v1/me')).status).toBe(401)
    expect(api.entries.map((entry) => entry.body.action)).toEqual(['session.kill', 'token.revoke'])
  })

  it('one’s own session is read without an entry', async () => {
    await using api = await startTestApi()
    expect(await (await api.call('sue', 'GET', '/api/v1/sessions/ses_past/events?from=1')).json()).toEqual({
      events: EVENTS.slice(1),
    })
    expect(api.entries).toEqual([])
  })
})

describe('a token issued here', () => {
  it('works at once, and its text is told this once', async () => {
    await using api = await startTestApi()
    const issued = (await (
      await api.call('root', 'POST', '/api/v1/tokens', { principal: 'human:eve', ttl_ms: 60_000 })
    ).json()) as { token: string; id: string }
    const me = await api.app.request('/api/v1/me', { headers: { authorization: `Bearer ${issued.token}` } })
    expect(me.status).toBe(200)
    const all = await (await api.call('root', 'GET', '/api/v1/tokens')).text()
    expect(all).toContain(issued.id)
    expect(all).not.toContain(issued.token)
    expect(JSON.stringify(api.entries)).not.toContain(issued.token)
  })
})

describe('an approval', () => {
  // G34, G38
  it('is shown so that nothing in it hides, with its digest, and who may decide', async () => {
    await using api = await startTestApi()
    const shown = async (caller: 'ada' | 'bot') =>
      (await api.call(caller, 'GET', `/api/v1/approvals/${api.ids.approval}`)).json()
    expect(await shown('ada')).toMatchObject({
      digest: DIGEST,
      state: 'pending',
      mayDecide: true,
      chain: ['agent:bot', 'human:sue'],
      text: {
        text: "DELETE FROM orders WHERE note = '<b>⟦U+202E⟧'",
        length: 38,
        truncated: false,
        warnings: [expect.stringMatching(/invisible/)],
      },
      parameters: [{ text: '7' }, null],
      url: `http://127.0.0.1:1/approvals/${api.ids.approval}`,
    })
    expect(await shown('bot')).toMatchObject({ mayDecide: false })
    const many = await api.services.approvals.request(
      api.request({ digest: sha256('many'), statements: 3, text: `SELECT 1;${'x'.repeat(20_000)}` }),
    )
    const long = `/api/v1/approvals/${many.id}`
    expect(await (await api.call('ada', 'GET', long)).json()).toMatchObject({
      statements: 3,
      text: { truncated: true, length: 20_009, warnings: [expect.stringMatching(/3 statements/), expect.any(String)] },
    })
    const full = (await (await api.call('ada', 'GET', `${long}?full=true`)).json()) as {
      text: { text: string; truncated: boolean }
    }
    expect([full.text.truncated, full.text.text.length]).toEqual([false, 20_009])
    const yes = { digest: sha256('many') }
    expect(await refusal(await api.call('ada', 'POST', `${long}/approve`, yes))).toMatchObject({
      http: 409,
      code: 'approval.truncated',
    })
    expect((await api.call('ada', 'POST', `${long}/approve`, { ...yes, readWhole: true })).status).toBe(200)
  })

  it('counts the digest that was seen, once, and is told as it ends', async () => {
    await using api = await startTestApi()
    expect(await refusal(await api.call('ada', 'POST', APPROVE(api), { digest: sha256('x') }))).toMatchObject({
      http: 409,
      code: 'approval.mismatch',
    })
    expect(
      await (await api.call('ada', 'POST', APPROVE(api), { digest: DIGEST, reason: 'fine' })).json(),
    ).toMatchObject({ state: 'approved', votes: [{ principal: 'human:ada', verdict: 'approve', reason: 'fine' }] })
    expect(await refusal(await api.call('ada', 'POST', APPROVE(api), { digest: DIGEST }))).toMatchObject({
      http: 409,
      code: 'approval.closed',
    })
    expect(await refusal(await api.call('root', 'POST', APPROVE(api), { digest: DIGEST }))).toMatchObject({
      http: 403,
      code: 'approval.forbidden',
    })
    expect(await refusal(await api.call('sue', 'POST', APPROVE(api), { digest: DIGEST }))).toMatchObject({
      http: 403,
      code: 'approval.self',
    })
  })
})

describe('the kill switch', () => {
  it.each([
    { kind: 'principal', subject: 'agent:nobody' },
    { kind: 'principal', subject: 'human:nobody' },
    { kind: 'principal', subject: 'service:nobody' },
    { kind: 'resource', subject: 'nothing' },
    { kind: 'principal', subject: '*' },
    { kind: 'principal', subject: 'human:' },
    { kind: 'resource', subject: 'Orders' },
    { kind: 'token', subject: 'tok_nothing' },
    { kind: 'token', subject: 'tok_nothing', unseen: true },
  ])('says so to an administrator when there is no %o, and shuts nothing', async (aim) => {
    await using api = await startTestApi()
    expect((await api.call('root', 'POST', '/api/v1/kill', { ...aim, reason: 'x' })).status).toBe(404)
    expect(await (await api.call('root', 'GET', '/api/v1/blocks')).json()).toEqual({ blocks: [] })
    // Who is no administrator learns nothing of what there is.
    const known = { kind: aim.kind, subject: aim.kind === 'resource' ? 'orders' : 'agent:bot', reason: 'x' }
    const both = [aim, known].map(async (each) => (await api.call('ada', 'POST', '/api/v1/kill', each)).text())
    expect((await Promise.all(both)).map((text) => JSON.parse(text).code)).toEqual(['api.forbidden', 'api.forbidden'])
  })

  it('tells whom it shut out that it was an administrator, and whose token ended that it did; a guess learns nothing', async () => {
    await using api = await startTestApi()
    const code = async () => (await refusal(await api.call('ada', 'GET', '/api/v1/me'))).code
    await api.call('root', 'POST', '/api/v1/kill', { kind: 'principal', subject: 'human:ada', reason: 'x' })
    expect(await code()).toBe('identity.killed')
    await api.call('root', 'POST', '/api/v1/unblock', { kind: 'principal', subject: 'human:ada' })
    expect((await api.call('ada', 'GET', '/api/v1/me')).status).toBe(200)
    const { credential } = (await api.services.identity.authenticate({
      ...{ kind: 'token', proof: api.token('ada'), from: '' },
    }))!
    await api.services.identity.revokeToken(credential, 'human:root')
    expect(await code()).toBe('identity.revoked')
    const guess = await api.app.request('/api/v1/me', { headers: { authorization: 'Bearer slu_guess' } })
    expect((await refusal(guess)).code).toBe('api.unauthorized')
  })
})

describe('the policy routes', () => {
  it('explain another’s right to administrators only, and problems likewise', async () => {
    await using api = await startTestApi()
    const ask = (caller: 'root' | 'ada', more: object) =>
      api.call(caller, 'POST', '/api/v1/policy/explain', { resource: 'orders', text: 'SELECT 1', ...more })
    expect(await (await ask('ada', {})).json()).toMatchObject({ outcome: 'deny', because: 'human:ada' })
    expect((await ask('ada', { as: 'human:root' })).status).toBe(403)
    expect((await ask('ada', { actors: ['human:root'] })).status).toBe(403)
    expect((await ask('ada', { resource: 'other' })).status).toBe(404)
    expect(await (await ask('root', { as: 'agent:bot', actors: ['human:sue'] })).json()).toMatchObject({
      because: 'agent:bot',
    })
    expect((await ask('root', { as: 'human:nobody' })).status).toBe(400)
    const problems = async (caller: 'root' | 'ada') =>
      ((await (await api.call(caller, 'GET', '/api/v1/policy')).json()) as { problems: string[] }).problems
    expect([await problems('ada'), await problems('root')]).toEqual([[], ['rules.yaml:3: a problem']])
  })
})

it('health needs no sign-in and tells only whether', async () => {
  await using api = await startTestApi()
  const ask = async () => {
    const answer = await api.call(undefined, 'GET', '/health')
    return [answer.status, await answer.json()]
  }
  expect(await ask()).toEqual([200, { status: 'ok' }])
  vi.spyOn(api.services, 'problems').mockReturnValue(['the ledger cannot be written'])
  expect(await ask()).toEqual([503, { status: 'failing' }])
  expect(await (await api.call('root', 'GET', '/api/v1/status')).json()).toMatchObject({
    problems: ['the ledger cannot be written'],
  })
})

// F34
it('no page of another origin is let in', async () => {
  await using api = await startTestApi()
  for (const origin of ['null', 'http://127.0.0.1:1', 'https://evil.example']) {
    const headers = { origin, 'access-control-request-method': 'POST' }
    for (const method of ['OPTIONS', 'GET']) {
      const answer = await api.app.request('/api/v1/me', {
        method,
        headers: { ...headers, authorization: `Bearer ${api.token('eve')}` },
      })
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  }
})
