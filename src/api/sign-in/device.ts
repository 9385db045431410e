import type { Context } from 'hono'
import type { StartedSignIn } from '../../identity/sign-in/sign-ins.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { ApiEnv } from '../env.ts'
import { escapeHtml, sendPage } from './html.ts'
import { visitorOf } from './visitor.ts'

/** A user code as it is compared and shown: letters in two fours. Undefined for what cannot be one. */
export function userCodeOf(text: string | undefined): string | undefined {
  const letters = (text ?? '').toUpperCase().replaceAll(/[\s-]/g, '')
  return /^[A-Z]{8}$/.test(letters) ? `${letters.slice(0, 4)}-${letters.slice(4)}` : undefined
}

/** The page a device sends its person to (RFC 8628 §3.3): the code, then the choice of where to sign in. Links, no posts: nothing changes here. */
export async function devicePage(c: Context<ApiEnv>): Promise<Response> {
  const { oauth, signIn } = c.var.services
  const given = c.req.query('user_code')
  const code = userCodeOf(given)
  const waiting = code === undefined ? undefined : await oauth.devices.find(code, visitorOf(c).from)
  if (!waiting) {
    const wrong = given === undefined ? '' : '<p class="warning">No device waits with this code.</p>'
    const ask = `<form method="get" action="/device"><label>Code <input name="user_code" autocomplete="off" autofocus size="12"></label> <button type="submit">Go on</button></form>`
    return sendPage(c, { title: 'Sign in a device', content: `${wrong}<p>Enter the code the device shows.</p>${ask}` })
  }
  const links = signIn.desk
    .providers()
    .map(
      ({ name, title }) =>
        `<li><a href="/device/sign-in?user_code=${code}&amp;provider=${name}">${escapeHtml(title)}</a></li>`,
    )
  const who = `<p>${escapeHtml(waiting.client)}, from ${escapeHtml(waiting.from)}, shows the code <strong>${code}</strong>.</p>`
  const content = `${who}<p class="warning">Go on only if you started it yourself. Nobody else has a reason to send you a code.</p><p>Where do you sign in?</p><ul>${links.join('')}</ul>`
  return sendPage(c, { title: 'Sign in a device', content })
}

/** The code of a request that goes on to a provider. Throws `api.invalid`. */
export function neededCode(c: Context<ApiEnv>): string {
  const code = userCodeOf(c.req.query('user_code'))
  if (code === undefined) throw new SluiceError('api.invalid', 'user_code must have eight letters')
  return code
}

/** Hands the person's yes to the device that waits. Throws `signin.expired` when it no longer does. */
export async function answerDevice(c: Context<ApiEnv>, code: string, { person, id }: StartedSignIn): Promise<void> {
  const reply = { principal: person, parent: id, approve: true }
  if (!(await c.var.services.oauth.devices.confirm(code, reply)))
    throw new SluiceError('signin.expired', 'the device waits no more')
}
