/** The same in a real browser (Debian's chromium): what it does with our cookies, policies and redirects is its own word. */
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, it, type TestContext } from 'vitest'
import { readMetadata } from '../../src/identity/saml/metadata.ts'
import { type RealProvider, startDoor, startRealProvider, type TestDoor } from '../rig/sign-in.ts'
import { hasSimpleSamlPhp, startSimpleSamlPhp } from '../rig/simplesamlphp.ts'

const CHROMIUM = '/usr/bin/chromium'
const missing = !existsSync(CHROMIUM)
let browser: Browser
let page: Page
let door: TestDoor
let acme: RealProvider

beforeAll(async () => {
  if (missing) return
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
  door = await startDoor()
  acme = await startRealProvider(door, 'acme')
  acme.people.set('u1', { subject: 'u1', name: 'Ada', email: 'ada@acme.example', groups: [] })
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await acme?.close()
  await door?.[Symbol.asyncDispose]()
})
beforeEach(async (context) => {
  if (missing) return (context as TestContext).skip('chromium is not installed')
  page = await (await browser.newContext()).newPage()
})

const session = async () => (await page.context().cookies(door.url)).find(({ name }) => name === '__Host-sluice')

it('signs in, keeps a cookie no script reads, and signs out here and at the provider', async () => {
  await page.goto(`${door.url}/sign-in/acme?return=/sign-out`)
  await page.getByRole('button', { name: /Ada/ }).click()
  await page.waitForURL(`${door.url}/sign-out`)
  expect(await session()).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Lax', path: '/' })
  expect(await page.evaluate('document.cookie')).toBe('')
  expect(await (await page.request.get(`${door.url}/api/v1/me`)).json()).toMatchObject({
    principal: { chain: [{ id: 'human:acme:u1' }] },
  })
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL(/session\/end/)
  await page.getByRole('button', { name: 'Yes' }).click()
  await page.waitForURL(`${door.url}/sign-out`)
  expect(await session()).toBeUndefined()
  expect((await page.request.get(`${door.url}/api/v1/me`)).status()).toBe(401)
})

it('carries a code to a program on this machine, past our own policy for forms', async () => {
  const received: string[] = []
  const program = createServer((request, response) => {
    received.push(request.url ?? '')
    response.end('thanks')
  })
  await new Promise<void>((resolve) => program.listen(0, '127.0.0.1', resolve))
  const redirect_uri = `http://127.0.0.1:${(program.address() as AddressInfo).port}/`
  const query = {
    response_type: 'code',
    client_id: 'sluice-cli',
    redirect_uri,
    state: 's'.repeat(20),
    code_challenge_method: 'S256',
    code_challenge: 'c'.repeat(43),
  }
  await page.goto(`${door.url}/authorize?${new URLSearchParams(query)}`)
  await page.getByRole('button', { name: /Ada/ }).click()
  await page.getByRole('button', { name: 'Yes, sign in' }).click()
  await page.getByText('thanks').waitFor()
  expect(received[0]).toMatch(/^\/\?code=[\w-]{43}&state=s{20}&iss=/)
  expect(await session()).toBeUndefined()
  program.close()
  program.closeAllConnections()
})

it('a form of a page elsewhere changes nothing, with the cookie in place (G9)', async () => {
  await page.goto(`${door.url}/sign-in/acme?return=/sign-out`)
  await page.getByRole('button', { name: /Ada/ }).click()
  await page.waitForURL(`${door.url}/sign-out`)
  const evil = createServer((_, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(
      `<form method="post" action="${door.url}/sign-out"><button>Win</button></form><iframe src="${door.url}/sign-out"></iframe>`,
    )
  })
  await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve))
  await page.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`)
  expect(await page.frames()[1]?.locator('button').count()).toBe(0)
  await page.getByRole('button', { name: 'Win' }).click()
  await page.getByText('did not come from a page of this gateway').waitFor()
  expect((await page.request.get(`${door.url}/api/v1/me`)).status()).toBe(200)
  evil.close()
  evil.closeAllConnections()
})

it('brings a SAML answer by post from another site', async (context) => {
  if (!hasSimpleSamlPhp) context.skip('SimpleSAMLphp is not installed')
  await using idp = await startSimpleSamlPhp()
  const saml = { ...(await readMetadata(await idp.metadata())), groups: 'groups', idpInitiated: false }
  door.trust('saml', { saml })
  idp.know(await (await fetch(`${door.url}/sign-in/saml/metadata`)).text())
  await page.goto(`${door.url}/sign-in/saml?return=/sign-out`)
  await page.locator('input[name=username]').fill('ada')
  await page.locator('input[name=password]').fill('pw')
  await page.locator('button[type=submit], input[type=submit], button').last().click()
  await page.waitForURL(`${door.url}/sign-out`)
  expect(await (await page.request.get(`${door.url}/api/v1/me`)).json()).toMatchObject({
    principal: { chain: [{ id: 'human:saml:ada.l' }] },
  })
})
