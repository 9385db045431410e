import { hash } from 'node:crypto'
import type { Context } from 'hono'
import type { Principal } from '../model/principal.ts'
import { mayReadApproval } from './access.ts'
import { type ShownApproval, shownApproval } from './approvals.ts'
import { type ApiEnv, routeGroup } from './env.ts'
import { peerOf } from './peer.ts'
import { cookieOf, SESSION_COOKIE } from './sign-in/cookies.ts'
import type { SignIn } from './sign-in.ts'

/** Text runs left to right whatever its letters, so that the order seen is the order run. */
export const PAGE_STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
pre,code{font:14px/1.5 ui-monospace,monospace;unicode-bidi:bidi-override;direction:ltr}
pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid #bbb;padding:.75rem;background:#f6f6f6}
th{text-align:left;font-weight:600;padding-right:1.5rem;vertical-align:top;white-space:nowrap}td{overflow-wrap:anywhere}
button{font:inherit;padding:.4rem 1rem;margin:.5rem .75rem .5rem 0}input{font:inherit;padding:.4rem}
.warning{border-left:4px solid #b45309;padding-left:.75rem}
@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}pre{background:#222;border-color:#555}}`

const POLICY = `default-src 'none'; style-src 'sha256-${hash('sha256', PAGE_STYLE, 'base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

/**
 * The page an approval's link leads to. A browser cannot carry a bearer token, so it asks for it as the password of Basic
 * authentication; that is accepted here only, where nothing can be changed. No script, no form.
 */
export function pageRoutes(signIn: SignIn) {
  const app = routeGroup()
  app.get('/approvals/:id', async (c) => {
    const id = c.req.param('id')
    c.header('Content-Security-Policy', POLICY)
    c.header('Referrer-Policy', 'no-referrer')
    const caller = await callerOf(c, signIn)
    if (!caller) {
      const ways = c.var.services.signIn.desk.providers().length
      // A browser that is asked for a password never shows the page, and so not the way to the provider.
      if (ways === 0 || c.req.header('authorization') !== undefined)
        c.header('WWW-Authenticate', 'Basic realm="Sluice: your token is the password", charset="UTF-8"')
      return c.html(signInPage(id, ways > 0), 401)
    }
    const approval = await c.var.services.approvals.get(id)
    if (!approval || !mayReadApproval(caller, approval))
      return c.html(page('Not found', '<p>There is no such request.</p>'), 404)
    const url = c.var.services.approvals.url(approval.id)
    return c.html(page(`Request ${approval.id}`, requestPart(shownApproval(approval, caller, { url }))))
  })
  return app
}

/** Whoever a browser's session or a token stands for; undefined for nobody. */
async function callerOf(c: Context<ApiEnv>, signIn: SignIn): Promise<Principal | undefined> {
  const token = tokenOf(c)
  const cookie = token === undefined ? cookieOf(c, SESSION_COOKIE) : undefined
  const proof = token ?? cookie
  if (proof === undefined) return undefined
  return await signIn(proof, peerOf(c), token === undefined ? 'cookie' : 'token').catch(() => undefined)
}

function tokenOf(c: Context<ApiEnv>): string | undefined {
  const basic = /^Basic +([A-Za-z0-9+/=]{1,1024})$/i.exec(c.req.header('authorization') ?? '')?.[1]
  if (!basic) return undefined
  const text = Buffer.from(basic, 'base64').toString()
  return text.slice(text.indexOf(':') + 1)
}

function signInPage(id: string, browser: boolean): string {
  const link = browser ? `<p><a href="/sign-in?return=/approvals/${encodeURIComponent(id)}">Sign in</a></p>` : ''
  const command = /^[A-Za-z0-9_]{1,64}$/.test(id) ? `<pre>sluice approvals show ${id}</pre>` : ''
  return page(
    'Sign in',
    `${link || '<p>Reload and give your Sluice token as the password; the user name does not matter.</p>'}<p>Or, in a terminal:</p>${command}`,
  )
}

function requestPart(approval: ShownApproval): string {
  const { text, parameters } = approval
  const warnings = [text, ...parameters].flatMap((shown) => shown?.warnings ?? [])
  const lines = parameters.map((shown, i) => `$${i + 1} = ${shown === null ? 'NULL' : quoted(shown.text)}`)
  const rows: [string, string][] = [
    ['State', approval.state],
    ['Who', approval.chain.join(', acting for ')],
    ['Where', [approval.resource, approval.database].filter(Boolean).join(' / ')],
    ['What', `${approval.verb} (${approval.effects.join(', ')})`],
    ['Why asked', approval.message],
    [
      'Session state',
      Object.entries(approval.sessionState)
        .map(([name, value]) => `${name} = ${value}`)
        .join('; '),
    ],
    [
      'Who may decide',
      approval.terms.map((terms) => `${terms.count} of ${terms.by.join(', ')} (${terms.rule})`).join('; and '),
    ],
    ['Votes', approval.votes.map((vote) => `${vote.principal}: ${vote.verdict}`).join('; ') || 'none yet'],
    ['Open until', new Date(approval.expires_ms).toISOString()],
    ['Length', `${text.length} characters`],
    ['Digest', approval.digest],
  ]
  return [
    ...warnings.map((warning) => `<p class="warning">${escapeHtml(warning)}</p>`),
    `<pre>${escapeHtml([text.text, ...lines].join('\n'))}</pre>`,
    `<table>${rows.map(([name, value]) => `<tr><th scope="row">${name}</th><td><code>${escapeHtml(value)}</code></td></tr>`).join('')}</table>`,
    approval.mayDecide ? commands(approval) : '<p>You cannot decide this request.</p>',
  ].join('\n')
}

function commands({ id, digest, text, parameters }: ShownApproval): string {
  const cut = [text, ...parameters].some((shown) => shown?.truncated)
  const first = cut
    ? `<p>It is too long to be shown whole. Read it first:</p><pre>sluice approvals show ${id} --full</pre>`
    : ''
  const yes = `sluice approve ${id} --digest ${digest}${cut ? ' --read-whole' : ''}`
  return `${first}<p>To approve exactly this:</p><pre>${yes}</pre><p>To reject it:</p><pre>sluice reject ${id} --digest ${digest}</pre>`
}

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`

/** A whole page around its content. The title is escaped, the content is HTML. */
export function page(title: string, content: string): string {
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${PAGE_STYLE}</style>`
  return `<!doctype html><html lang="en"><head>${head}</head><body><h1>${escapeHtml(title)}</h1>\n${content}\n</body></html>`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (c) => ENTITIES[c]!)
}
