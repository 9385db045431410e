import { expect, it } from 'vitest'
import { type Caller, DIGEST, startTestApi, type TestApi } from '../../test/rig/api.ts'
import { sha256 } from '../kit/digest.ts'

const open = (api: TestApi, caller: Caller | undefined, id = api.ids.approval) =>
  api.app.request(`/approvals/${id}`, {
    headers: caller ? { authorization: `Basic ${btoa(`x:${api.token(caller)}`)}` } : {},
  })

it('the page shows an approver the escaped request and the exact commands, and can run nothing', async () => {
  await using api = await startTestApi()
  const answer = await open(api, 'ada')
  const html = await answer.text()
  expect(answer.status).toBe(200)
  expect(html).toContain('DELETE FROM orders WHERE note = &#39;&lt;b&gt;⟦U+202E⟧&#39;')
  expect(html).toContain(`sluice approve ${api.ids.approval} --digest ${DIGEST}</pre>`)
  expect(html).toContain(`sluice reject ${api.ids.approval} --digest ${DIGEST}</pre>`)
  expect(html).toContain('agent:bot, acting for human:sue')
  expect(html).not.toMatch(/<script|<form|\bon\w+=|javascript:/i)
  expect(answer.headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
  )
  expect([answer.headers.get('referrer-policy'), answer.headers.get('cache-control')]).toEqual([
    'no-referrer',
    'no-store',
  ])
})

it('the style is the one the policy names', async () => {
  await using api = await startTestApi()
  const answer = await open(api, 'ada')
  const style = /<style>([\s\S]*)<\/style>/.exec(await answer.text())![1]!
  const digest = Buffer.from(sha256(style), 'hex').toString('base64')
  expect(answer.headers.get('content-security-policy')).toContain(`'sha256-${digest}'`)
})

// G46
it.each<[Caller | undefined, number]>([
  [undefined, 401],
  ['eve', 404],
  ['botForTom', 404],
  ['adminBot', 404],
  ['sue', 200],
  ['bot', 200],
  ['root', 200],
])('%s gets %i', async (caller, status) => {
  await using api = await startTestApi()
  const answer = await open(api, caller)
  const html = await answer.text()
  expect(answer.status).toBe(status)
  expect(html.includes('DELETE FROM orders')).toBe(status === 200)
  expect(html).not.toContain('sluice approve ')
})

it('asks a browser for the token, and names the command instead; an id that is none is not repeated', async () => {
  await using api = await startTestApi()
  const answer = await open(api, undefined)
  expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /)
  expect(await answer.text()).toContain(`sluice approvals show ${api.ids.approval}`)
  expect(await (await open(api, undefined, '%3Cscript%3E;curl')).text()).not.toMatch(/<script>|curl/)
})

it('a Basic sign-in opens nothing else', async () => {
  await using api = await startTestApi()
  const headers = { authorization: `Basic ${btoa(`x:${api.token('root')}`)}` }
  expect((await api.app.request('/api/v1/me', { headers })).status).toBe(401)
  expect((await api.app.request(`/approvals/${api.ids.approval}`, { method: 'POST', headers })).status).toBe(404)
})

it('a request too long to show whole says so, and how to read it', async () => {
  await using api = await startTestApi()
  const { id } = await api.services.approvals.request(
    api.request({ digest: sha256('l'), text: `SELECT '${'x'.repeat(20_000)}'` }),
  )
  const html = await (await open(api, 'ada', id)).text()
  expect(html).toContain(`sluice approvals show ${id} --full`)
  expect(html).toContain(`--digest ${sha256('l')} --read-whole</pre>`)
  expect(html).toContain('characters not shown')
})
