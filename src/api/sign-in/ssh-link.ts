import type { Context } from 'hono'
import { SluiceError } from '../../kit/errors.ts'
import type { Principal } from '../../model/principal.ts'
import type { ApiEnv } from '../env.ts'
import { LIMITS } from '../limits.ts'
import { peerOf } from '../peer.ts'
import { checkOrigin, cookieOf, csrfOf, SESSION_COOKIE } from './cookies.ts'
import { button, escapeHtml, form, sendPage } from './html.ts'

/** The page a waiting ssh sends its person to: who asks, from where, and a field for the code the terminal shows. */
export async function sshLinkPage(c: Context<ApiEnv>): Promise<Response> {
  const id = c.req.param('id') ?? ''
  const person = await personOf(c)
  if (!person) return c.redirect(`/sign-in?return=${encodeURIComponent(`/ssh/${encodeURIComponent(id)}`)}`)
  const link = c.var.services.ssh.links.find(id)
  if (!link) return gone(c)
  const asked = `<p>An SSH client at <strong>${escapeHtml(link.from)}</strong> asks for <strong>${escapeHtml(link.resource)}</strong> as you, ${escapeHtml(person.name)}.</p>`
  const warning =
    '<p class="warning">Go on only if it is your own terminal that waits. Nobody else has a reason to send you here.</p>'
  const code = `<label>Code the terminal shows <input name="code" autocomplete="off" autofocus size="${LIMITS.code_field}"></label> `
  const controls = `${code}${button('Sign it in', 'answer', 'yes')}${button('It is not mine', 'answer', 'no')}`
  const csrf = csrfOf(cookieOf(c, SESSION_COOKIE)!)
  return sendPage(c, {
    title: 'Sign in to SSH',
    content: asked + warning + form(`/ssh/${encodeURIComponent(id)}`, { csrf }, controls),
  })
}

/** The person's answer. Throws `signin.forged` for one that does not come from the page, `api.forbidden` for a wrong code. */
export async function answerSshLink(c: Context<ApiEnv>): Promise<Response> {
  const id = c.req.param('id') ?? ''
  const { services } = c.var
  const fields = await c.req.parseBody()
  const given = typeof fields.csrf === 'string' ? fields.csrf : undefined
  checkOrigin(c, { given, cookie: cookieOf(c, SESSION_COOKIE) ?? '' })
  const person = await personOf(c)
  if (!person) throw new SluiceError('api.unauthorized')
  if (!services.ssh.links.find(id)) return gone(c)
  const action = fields.answer === 'yes' ? 'ssh.confirm' : 'ssh.refuse'
  const entry = { action, subject: id, by: person.id, credential: person.credential }
  services.ledger.append('admin', JSON.stringify(entry).slice(1, -1))
  services.ledger.commit()
  if (fields.answer !== 'yes') {
    services.ssh.links.refuse(id)
    return sendPage(c, { title: 'Turned away', content: '<p>That client was turned away.</p>' })
  }
  services.ssh.links.confirm(id, typeof fields.code === 'string' ? fields.code : '', person)
  return sendPage(c, { title: 'Signed in', content: '<p>Your terminal is signed in. You may close this page.</p>' })
}

/** Whoever is signed in with this browser. */
async function personOf(c: Context<ApiEnv>): Promise<Principal | undefined> {
  const proof = cookieOf(c, SESSION_COOKIE)
  if (proof === undefined) return undefined
  return await c.var.services.identity.authenticate({ kind: 'cookie', proof, from: peerOf(c) })
}

function gone(c: Context<ApiEnv>): Response {
  const content = '<p>No SSH client waits here any more. Start it again.</p>'
  return sendPage(c, { title: 'Sign in to SSH', content, status: 404 })
}
