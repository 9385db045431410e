import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Finished } from '../../identity/sign-in/desk.ts'
import { isLoopbackRedirect, ownPath, type Purpose } from '../../identity/sign-in/purpose.ts'
import { SluiceError, toSluiceError, withParticulars } from '../../kit/errors.ts'
import type { Principal } from '../../model/principal.ts'
import { type ApiEnv, routeGroup } from '../env.ts'
import { peerOf } from '../peer.ts'
import { statusOf } from '../refusal.ts'
import { checkOrigin, cookieOf, csrfOf, dropCookie, FLOW_COOKIE, SESSION_COOKIE, setCookie } from './cookies.ts'
import { answerDevice, devicePage, neededCode } from './device.ts'
import { button, escapeHtml, form, sendPage } from './html.ts'
import { answerSshLink, sshLinkPage } from './ssh-link.ts'
import { greet, visitorOf } from './visitor.ts'

/** The one program that may ask for a token by a loopback address; it has no secret (RFC 8252 §8.4), so the person is asked. */
export const CLI_CLIENT = 'sluice-cli'

/**
 * Signing in by browser: choosing a provider, its answer, the question before a program gets a token, signing out. Pages without scripts. What
 * fails shows one sentence; why is in the ledger.
 */
export function signInRoutes() {
  const app = routeGroup()
  app.onError((error, c) => sendFailure(c, error))
  app.get('/', home)
  app.get('/sign-in', (c) => choose(c, { kind: 'console', returnTo: ownPath(c.req.query('return')) }))
  app.get('/sign-in/:provider', (c) =>
    begin(c, c.req.param('provider'), { kind: 'console', returnTo: ownPath(c.req.query('return')) }),
  )
  app.get('/sign-in/:provider/callback', async (c) => {
    const { desk } = c.var.services.signIn
    const query = new URL(c.req.url).search
    return arrived(c, await desk.finishOidc(visitorOf(c), { provider: c.req.param('provider'), query }))
  })
  app.post('/sign-in/:provider/acs', async (c) => {
    const { desk } = c.var.services.signIn
    return arrived(
      c,
      await desk.finishSaml(visitorOf(c), { provider: c.req.param('provider'), form: await fieldsOf(c) }),
    )
  })
  app.get('/sign-in/:provider/metadata', async (c) => {
    const xml = await c.var.services.signIn.metadata(c.req.param('provider'))
    return c.body(xml, 200, { 'Content-Type': 'application/samlmetadata+xml' })
  })
  app.get('/sign-in/:provider/slo', singleLogout)
  app.post('/sign-in/:provider/slo', singleLogout)
  app.get('/authorize', (c) => choose(c, programOf(c)))
  app.get('/confirm', question)
  app.post('/confirm', answerOf)
  app.get('/device', devicePage)
  app.get('/device/sign-in', (c) => choose(c, { kind: 'device', code: neededCode(c) }))
  app.get('/ssh/:id', sshLinkPage)
  app.post('/ssh/:id', answerSshLink)
  app.post('/sign-in/:provider/logout', backChannelLogout)
  app.get('/sign-out', farewell)
  app.post('/sign-out', signOut)
  return app
}

/** Pages of signing in, as the tests know them: they need no sign-in and stand in no API document. */
export const SIGN_IN_PAGES = [
  'get /',
  'get /sign-in',
  'get /sign-in/:provider',
  'get /sign-in/:provider/callback',
  'post /sign-in/:provider/acs',
  'get /sign-in/:provider/metadata',
  'get /sign-in/:provider/slo',
  'post /sign-in/:provider/slo',
  'get /authorize',
  'get /confirm',
  'post /confirm',
  'get /device',
  'get /device/sign-in',
  'get /ssh/:id',
  'post /ssh/:id',
  'post /sign-in/:provider/logout',
  'get /sign-out',
  'post /sign-out',
] as const

/** Whose session the browser has. */
async function sessionOf(c: Context<ApiEnv>): Promise<Principal | undefined> {
  const cookie = cookieOf(c, SESSION_COOKIE)
  if (cookie === undefined) return undefined
  return await c.var.services.identity.authenticate({ kind: 'cookie', proof: cookie, from: peerOf(c) })
}

/** Where one arrives after signing in: who one is, and the way out. */
async function home(c: Context<ApiEnv>): Promise<Response> {
  const cookie = cookieOf(c, SESSION_COOKIE)
  const caller = await sessionOf(c)
  if (!caller || cookie === undefined)
    return sendPage(c, { title: 'Sluice', content: '<p>You are not signed in. <a href="/sign-in">Sign in</a></p>' })
  const groups = caller.groups.length > 0 ? `, in ${escapeHtml(caller.groups.join(', '))}` : ''
  const who = `<p>You are <strong>${escapeHtml(caller.name)}</strong> (<code>${escapeHtml(caller.id)}</code>)${groups}.</p>`
  return sendPage(c, {
    title: 'Sluice',
    content: who + form('/sign-out', { csrf: csrfOf(cookie) }, button('Sign out')),
  })
}

/** One provider is no choice: the browser goes straight on. */
function choose(c: Context<ApiEnv>, purpose: Purpose): Response | Promise<Response> {
  const providers = c.var.services.signIn.desk.providers()
  const wanted = c.req.query('provider')
  if (wanted !== undefined) return begin(c, wanted, purpose)
  if (providers.length === 1) return begin(c, providers[0]!.name, purpose)
  if (providers.length === 0) {
    const content = '<p>No identity provider is set up here. Ask an administrator for a token.</p>'
    return sendPage(c, { title: 'Sign in', content, status: 404 })
  }
  const query = new URL(c.req.url).searchParams
  const links = providers.map(({ name, title }) => {
    query.set('provider', name)
    return `<li><a href="?${escapeHtml(query.toString())}">${escapeHtml(title)}</a></li>`
  })
  return sendPage(c, { title: 'Sign in', content: `<p>Where do you sign in?</p><ul>${links.join('')}</ul>` })
}

async function begin(c: Context<ApiEnv>, provider: string, purpose: Purpose): Promise<Response> {
  const { desk, base } = c.var.services.signIn
  // Cookies belong to one host: under another name of ours the answer would find no flow.
  const here = new URL(c.req.url)
  const home = new URL(base())
  if (c.req.header('host') !== home.host && c.req.query('home') === undefined) {
    here.searchParams.set('home', '1')
    return c.redirect(`${home.origin}${here.pathname}${here.search}`)
  }
  const saml = desk.providers().some(({ name, saml }) => name === provider && saml !== undefined)
  const visitor = greet(c, { cross: saml })
  const replaces = (await sessionOf(c))?.credential
  return c.redirect(await desk.begin(visitor, { provider, purpose, fresh: c.req.query('fresh') === '1', replaces }))
}

function arrived(c: Context<ApiEnv>, finished: Finished): Response {
  if (finished.kind === 'confirm') return c.redirect(`/confirm?ticket=${finished.ticket}`)
  const { signIn, returnTo } = finished
  // A new value at every sign-in: one that was planted before is worth nothing now.
  const seconds = Math.floor((signIn.expires_ms - c.var.services.clock.now_ms()) / 1_000)
  setCookie(c, { name: SESSION_COOKIE, value: signIn.root.reveal(), seconds })
  dropCookie(c, FLOW_COOKIE)
  return c.redirect(returnTo)
}

/** What a program asks for (RFC 6749 §4.1.1, RFC 7636, RFC 8252). A wrong request is answered here: its redirect may not be trusted. */
function programOf(c: Context<ApiEnv>): Purpose {
  const {
    client_id,
    redirect_uri = '',
    response_type,
    code_challenge = '',
    code_challenge_method,
    state = '',
  } = c.req.query()
  const wrong = (what: string): never => {
    throw new SluiceError('api.invalid', what)
  }
  for (const name of ['client_id', 'redirect_uri', 'code_challenge', 'state'])
    if ((c.req.queries(name) ?? []).length > 1) wrong(`${name} is given twice`)
  if (client_id !== CLI_CLIENT) wrong(`client_id must be ${CLI_CLIENT}`)
  if (response_type !== 'code') wrong('response_type must be code')
  if (!isLoopbackRedirect(redirect_uri)) wrong('redirect_uri must be http://127.0.0.1:PORT/…')
  if (code_challenge_method !== 'S256' || !/^[A-Za-z0-9_-]{43}$/.test(code_challenge))
    wrong('code_challenge must be of method S256')
  if (!/^[A-Za-z0-9_-]{16,128}$/.test(state)) wrong('state must have 16 to 128 characters')
  return { kind: 'cli', client: CLI_CLIENT, redirectUri: redirect_uri, challenge: code_challenge, state }
}

async function question(c: Context<ApiEnv>): Promise<Response> {
  const visitor = visitorOf(c)
  const ticket = c.req.query('ticket') ?? ''
  const { vouched, provider, purpose } = await c.var.services.signIn.desk.asked(visitor, ticket)
  const who = `<p>You are <strong>${escapeHtml(vouched.name)}</strong> of ${escapeHtml(provider.title)} (<code>${escapeHtml(vouched.subject)}</code>).</p>`
  const what =
    purpose.kind === 'cli'
      ? '<p>The <code>sluice</code> command line on this machine asks to act for you.</p><p class="warning">Go on only if you started <code>sluice login</code> just now.</p>'
      : `<p>A device asks to act for you. It shows the code <strong>${escapeHtml(purpose.kind === 'device' ? purpose.code : '')}</strong>.</p><p class="warning">Go on only if you started it yourself and it shows this code. Nobody else has a reason to send you one.</p>`
  const controls = `${button('Yes, sign in', 'answer', 'yes')}${button('No', 'answer', 'no')}`
  const leadsTo = purpose.kind === 'cli' ? [new URL(purpose.redirectUri).origin] : []
  const content = who + what + form('/confirm', { ticket, csrf: csrfOf(visitor.browser) }, controls)
  return sendPage(c, { title: 'Sign in to Sluice', content, leadsTo })
}

async function answerOf(c: Context<ApiEnv>): Promise<Response> {
  const visitor = visitorOf(c)
  const { ticket = '', csrf, answer } = await fieldsOf(c)
  checkOrigin(c, { given: csrf, cookie: visitor.browser })
  const { desk } = c.var.services.signIn
  if (answer !== 'yes') {
    const { purpose } = await desk.decline(visitor, ticket)
    if (purpose.kind === 'cli') return c.redirect(backTo(purpose, { error: 'access_denied' }, c), 303)
    return sendPage(c, { title: 'Not signed in', content: '<p>The device was not signed in.</p>' })
  }
  const { purpose, signIn } = await desk.confirm(visitor, ticket)
  dropCookie(c, FLOW_COOKIE)
  if (purpose.kind === 'cli') return c.redirect(backTo(purpose, { code: await desk.code(signIn.id, purpose) }, c), 303)
  if (purpose.kind === 'device') await answerDevice(c, purpose.code, signIn)
  return sendPage(c, { title: 'Signed in', content: '<p>The device is signed in. You may close this page.</p>' })
}

function backTo(
  purpose: Extract<Purpose, { kind: 'cli' }>,
  answer: Readonly<Record<string, string>>,
  c: Context<ApiEnv>,
): string {
  const url = new URL(purpose.redirectUri)
  const fields = { ...answer, state: purpose.state, iss: c.var.services.signIn.base() }
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value)
  return url.href
}

function farewell(c: Context<ApiEnv>): Response {
  const cookie = cookieOf(c, SESSION_COOKIE)
  if (cookie === undefined)
    return sendPage(c, { title: 'Signed out', content: '<p>You are signed out. <a href="/sign-in">Sign in</a></p>' })
  return sendPage(c, { title: 'Sign out', content: form('/sign-out', { csrf: csrfOf(cookie) }, button('Sign out')) })
}

/** Ends the session here, then the provider's own (OpenID Connect RP-Initiated Logout 1.0). */
async function signOut(c: Context<ApiEnv>): Promise<Response> {
  const cookie = cookieOf(c, SESSION_COOKIE) ?? ''
  checkOrigin(c, { given: (await fieldsOf(c)).csrf, cookie })
  const { services } = c.var
  const caller = await services.identity.authenticate({ kind: 'cookie', proof: cookie, from: '' })
  dropCookie(c, SESSION_COOKIE)
  const elsewhere = caller && (await services.signIn.leave(caller.credential, caller.id))
  // Not a redirect: our policy for forms would stop one that leads to another origin.
  if (elsewhere) c.header('Refresh', `0; url=${elsewhere}`)
  const link = elsewhere ? `<p><a href="${escapeHtml(elsewhere)}">Sign out at the identity provider too</a></p>` : ''
  return sendPage(c, { title: 'Signed out', content: `<p>You are signed out here.</p>${link}` })
}

/** A provider says that sessions of its own ended. It calls without a browser: no cookie, no page. */
async function backChannelLogout(c: Context<ApiEnv>): Promise<Response> {
  const { logout_token: token } = await fieldsOf(c)
  try {
    await c.var.services.signIn.logoutToken(c.req.param('provider')!, token ?? '', peerOf(c))
    return c.body(null, 200)
  } catch (thrown) {
    const { code, safeMessage } = toSluiceError(thrown)
    return c.json({ error: 'invalid_request', error_description: safeMessage }, statusOf(code) === 429 ? 429 : 400)
  }
}

/** A SAML provider ends somebody's sessions, by that person's browser; or it answers our own request, which changes nothing here any more. */
async function singleLogout(c: Context<ApiEnv>): Promise<Response> {
  const query = new URL(c.req.url).search
  const fields = c.req.method === 'POST' ? await fieldsOf(c) : c.req.query()
  const done = () =>
    sendPage(c, { title: 'Signed out', content: '<p>You are signed out. <a href="/sign-in">Sign in</a></p>' })
  if (fields.SAMLRequest === undefined && fields.SAMLResponse !== undefined) return done()
  const message =
    c.req.method === 'POST'
      ? { binding: 'post' as const, request: fields.SAMLRequest ?? '' }
      : { binding: 'redirect' as const, query }
  const asked = { message, relayState: fields.RelayState || undefined, from: peerOf(c) }
  const back = await c.var.services.signIn.samlLogout(c.req.param('provider')!, asked)
  return back === undefined ? done() : c.redirect(back, 303)
}

/** The fields of a form; one that is given twice is nobody's. */
async function fieldsOf(c: Context<ApiEnv>): Promise<Record<string, string>> {
  const parsed = await c.req.parseBody({ all: true })
  return Object.fromEntries(
    Object.entries(parsed).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}

/** One sentence for the person; the coded reason is on record. */
export function sendFailure(c: Context<ApiEnv>, thrown: unknown): Response {
  const error = toSluiceError(thrown)
  if (error.code === 'internal') c.var.services.log.error('signing in failed', { detail: error.detail })
  const what = error.code === 'api.invalid' ? withParticulars(error.safeMessage, error.detail) : error.safeMessage
  const content = `<p>${escapeHtml(what)}</p><p>${escapeHtml(error.remedy)}</p><p><a href="/sign-in">Sign in</a></p>`
  return sendPage(c, { title: 'Not signed in', content, status: statusOf(error.code) as ContentfulStatusCode as 400 })
}
