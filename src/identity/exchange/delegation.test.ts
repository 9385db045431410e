import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { exchangeOf, startExchange, type TestExchange } from '../../../test/rig/exchange.ts'
import { actorChain } from '../../model/principal.ts'

let rig: TestExchange
beforeEach(async () => {
  rig = await startExchange()
})
afterEach(() => rig[Symbol.asyncDispose]())

const details = (...grants: object[]) => JSON.stringify(grants.map((grant) => ({ type: 'sluice', ...grant })))
const READ_ORDERS = details({ resources: ['orders'], effects: ['read'] })
const asBot = { requested_actor: 'agent:bot' }

describe('a person delegates to an agent', () => {
  it('and the token is the agent’s, with the person behind it, narrowed as asked, no longer than both', async () => {
    const ada = await rig.token('human:ada')
    const issued = await rig.send(exchangeOf(ada, { ...asBot, authorization_details: READ_ORDERS, expires_in: '7200' }))
    const bot = (await rig.signIn(issued.token.reveal()))!
    expect(actorChain(bot).map(({ id }) => id)).toEqual(['agent:bot', 'human:ada'])
    expect(bot.scope).toEqual([{ resources: ['orders'], effects: 2 }])
    expect(bot.expires_ms! - Date.now()).toBeLessThanOrEqual(3_600_000)
    expect(rig.entries.at(-1)).toMatchObject({
      ok: true,
      principal: 'agent:bot',
      actors: ['human:ada'],
      by: 'human:ada',
    })
  })

  it.each([
    ['never longer than the agent’s document lets it', 20_000_000, '86400', 7_200],
    ['an hour when nothing is said', 20_000_000, '', 3_600],
    ['never longer than the person’s own token', 60_000, '3600', 60],
  ])('%s', async (_, ttl_ms, expires_in, seconds) => {
    const issued = await rig.send(exchangeOf(await rig.token('human:ada', { ttl_ms }), { ...asBot, expires_in }))
    expect(Math.round((issued.expires_ms - Date.now()) / 1_000)).toBeCloseTo(seconds, -1)
  })

  it('with the agent’s own token as proof of it', async () => {
    const actor = { actor_token: await rig.token('agent:bot'), actor_token_type: exchangeOf('').subject_token_type! }
    const issued = await rig.send(exchangeOf(await rig.token('human:ada'), actor))
    expect(issued).toMatchObject({ principal: 'agent:bot', actors: ['human:ada'] })
  })

  it.each<[string, string, Record<string, string>, string]>([
    ['to one whose document does not list them', 'human:eve', asBot, 'delegation.refused'],
    ['to one that nobody may use', 'human:ada', { requested_actor: 'agent:loner' }, 'delegation.refused'],
    ['to one there is not', 'human:ada', { requested_actor: 'agent:gone' }, 'delegation.refused'],
    ['to a person', 'human:ada', { requested_actor: 'human:eve' }, 'delegation.refused'],
    ['to a service', 'human:ada', { requested_actor: 'service:ci' }, 'delegation.refused'],
    ['to themselves', 'human:ada', { requested_actor: 'human:ada' }, 'delegation.refused'],
    ['to nobody, narrowing nothing', 'human:ada', {}, 'oauth.request'],
    ['with words nobody understands', 'human:ada', { ...asBot, scope: 'admin' }, 'oauth.request'],
    ['for another kind of token', 'human:ada', { ...asBot, requested_token_type: 'x' }, 'oauth.request'],
    ['for a time that is none', 'human:ada', { ...asBot, expires_in: '1e9' }, 'oauth.request'],
  ])('not %s', async (_, who, more, code) => {
    expect(await rig.refusal(exchangeOf(await rig.token(who), more))).toBe(code)
  })

  it.each<[string, string]>([
    ['no list', '{"type":"sluice"}'],
    ['an empty list', '[]'],
    ['no JSON', '[{'],
    ['another type', '[{"type":"payment_initiation"}]'],
    ['a key that is not known', details({ resources: ['orders'], actions: ['read'] })],
    ['no resources at all', details({ resources: [] })],
    ['an effect that is none', details({ effects: ['reed'] })],
    ['a resource that is no text', details({ resources: [7] })],
    ['a pattern for a resource', details({ resources: ['*'] })],
    ['a pattern among names', details({ resources: ['orders', 'pay*'] })],
    ['too many entries', details(...Array.from({ length: 21 }, () => ({ resources: ['a'] })))],
  ])('not by authorization_details with %s', async (_, text) => {
    const form = exchangeOf(await rig.token('human:ada'), { ...asBot, authorization_details: text })
    expect(await rig.refusal(form)).toBe('delegation.details')
  })

  it('not by a token that is unknown, expired or revoked: the same refusal', async () => {
    const expired = await rig.token('human:ada', { ttl_ms: 1_000 })
    const revoked = await rig.token('human:ada')
    await rig.identity.revokeToken((await rig.signIn(revoked))!.credential, 'human:root')
    rig.ahead_ms = 2_000
    for (const proof of ['slu_x', expired, revoked])
      expect(await rig.refusal(exchangeOf(proof, asBot))).toBe('oauth.grant')
    expect(rig.entries.at(-1)).toMatchObject({ ok: false, reason: 'oauth.grant' })
  })

  it('not when their own access has a moment left', async () => {
    const last = await rig.token('human:ada', { ttl_ms: 1_500 })
    rig.ahead_ms = 800
    expect(await rig.refusal(exchangeOf(last, asBot))).toBe('delegation.expired')
  })

  it('not to an agent that is shut out (G12)', async () => {
    await rig.identity.block({ kind: 'principal', subject: 'agent:bot', by: 'human:root', why: 'test' })
    expect(await rig.refusal(exchangeOf(await rig.token('human:ada'), asBot))).toBe('delegation.refused')
    await rig.identity.unblock('principal', 'agent:bot', 'human:root')
    expect(await rig.refusal(exchangeOf(await rig.token('human:ada'), asBot))).toBe('')
  })

  it.each([{}, asBot])('not with an actor token nobody has (%j)', async (more) => {
    const garbage = { actor_token: 'garbage', actor_token_type: exchangeOf('').subject_token_type! }
    expect(await rig.refusal(exchangeOf(await rig.token('human:ada'), { ...garbage, ...more }))).toBe('oauth.grant')
  })

  it('not with somebody else’s actor token', async () => {
    const actor = async (of: string, actors: string[] = []) => ({
      actor_token: await rig.token(of, { actors }),
      actor_token_type: exchangeOf('').subject_token_type!,
    })
    const ada = await rig.token('human:ada')
    expect(await rig.refusal(exchangeOf(ada, await actor('human:eve')))).toBe('delegation.refused')
    expect(await rig.refusal(exchangeOf(ada, await actor('agent:bot', ['human:ada'])))).toBe('oauth.grant')
    expect(await rig.refusal(exchangeOf(ada, { ...asBot, ...(await actor('agent:loner')) }))).toBe('oauth.request')
  })
})

describe('a sub-agent', () => {
  const delegated = async (more: Record<string, string> = {}) =>
    (await rig.send(exchangeOf(await rig.token('human:ada'), { ...asBot, ...more }))).token.reveal()
  const asHelper = { requested_actor: 'agent:helper' }

  it('acts for the agent and the person, under the agent’s narrowing', async () => {
    const issued = await rig.send(exchangeOf(await delegated({ authorization_details: READ_ORDERS }), asHelper))
    const sub = (await rig.signIn(issued.token.reveal()))!
    expect(actorChain(sub).map(({ id }) => id)).toEqual(['agent:helper', 'agent:bot', 'human:ada'])
    expect(sub.scope).toEqual([{ resources: ['orders'], effects: 2 }])
  })

  it.each([
    ['the same', { resources: ['orders'], effects: ['read'] }, ''],
    ['another effect', { resources: ['orders'], effects: ['read', 'write'] }, 'delegation.widens'],
    ['every effect', { resources: ['orders'] }, 'delegation.widens'],
    ['another resource', { resources: ['orders', 'billing'], effects: ['read'] }, 'delegation.widens'],
    ['every resource', { effects: ['read'] }, 'delegation.widens'],
    ['everything', {}, 'delegation.widens'],
  ])('only narrows: %s', async (_, grant, code) => {
    const form = exchangeOf(await delegated({ authorization_details: READ_ORDERS }), {
      ...asHelper,
      authorization_details: details(grant),
    })
    expect(await rig.refusal(form)).toBe(code)
  })

  it('has none of its own', async () => {
    const sub = (await rig.send(exchangeOf(await delegated(), asHelper))).token.reveal()
    expect(await rig.refusal(exchangeOf(sub, { requested_actor: 'agent:third' }))).toBe('delegation.depth')
    expect(await rig.refusal(exchangeOf(sub, asBot))).toBe('delegation.refused')
  })
})

it('a token narrowed by its own holder ends with the one it came of', async () => {
  const ada = await rig.token('human:ada')
  const { token } = await rig.send(exchangeOf(ada, { authorization_details: READ_ORDERS }))
  expect(await rig.signIn(token.reveal())).toMatchObject({ id: 'human:ada', scope: [{ resources: ['orders'] }] })
  await rig.identity.revokeToken((await rig.signIn(ada))!.credential, 'human:root')
  expect(await rig.signIn(token.reveal())).toBeUndefined()
})

describe('a delegation ends, and its live sessions with it,', () => {
  it.each<[string, () => unknown]>([
    [
      'when the person’s token is revoked',
      async () => {
        const [token] = (await rig.identity.listTokens()).filter(({ principal }) => principal === 'human:ada')
        await rig.identity.revokeToken(token!.id, 'human:root')
      },
    ],
    ['when the person is disabled', () => rig.people.delete('human:ada')],
    [
      'when the person leaves the group that may delegate',
      () => rig.people.set('human:ada', { kind: 'human', name: 'ada', groups: [] }),
    ],
    [
      'when the agent’s document no longer lists them',
      () => rig.people.set('agent:bot', { ...rig.people.get('agent:bot')!, delegators: [] }),
    ],
    [
      'when the person is blocked',
      () => rig.identity.block({ kind: 'principal', subject: 'human:ada', by: 'x', why: '' }),
    ],
    [
      'when the agent is blocked',
      () => rig.identity.block({ kind: 'principal', subject: 'agent:bot', by: 'x', why: '' }),
    ],
    [
      'when its time is over',
      () => {
        rig.ahead_ms = 3_600_001
      },
    ],
  ])('%s', async (_, change) => {
    const issued = await rig.send(exchangeOf(await rig.token('human:ada'), asBot))
    const bot = (await rig.signIn(issued.token.reveal()))!
    const ended = vi.fn()
    rig.identity.onRevoked(bot, ended)
    await rig.identity.sweep()
    expect(ended).not.toHaveBeenCalled()
    await change()
    await rig.identity.sweep()
    expect(ended).toHaveBeenCalledTimes(1)
    expect(await rig.signIn(issued.token.reveal())).toBeUndefined()
  })
})
