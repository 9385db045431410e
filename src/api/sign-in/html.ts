import { hash } from 'node:crypto'
import type { Context } from 'hono'
import type { ApiEnv } from '../env.ts'
import { escapeHtml, PAGE_STYLE, page } from '../page.ts'

export { escapeHtml }

/** Sends a page without scripts. `leadsTo` are origins besides ours its form may end at: after the yes, the program that asked. */
export function sendPage(
  c: Context<ApiEnv>,
  {
    title,
    content,
    status = 200,
    leadsTo = [],
  }: {
    title: string
    content: string
    status?: 200 | 400 | 401 | 403 | 404 | 429 | 502 | 503
    leadsTo?: readonly string[]
  },
): Response {
  const style = hash('sha256', PAGE_STYLE, 'base64')
  const actions = ["'self'", ...leadsTo].join(' ')
  c.header(
    'Content-Security-Policy',
    `default-src 'none'; style-src 'sha256-${style}'; base-uri 'none'; form-action ${actions}; frame-ancestors 'none'`,
  )
  // Not no-referrer: a browser would then send `Origin: null` with our own forms.
  c.header('Referrer-Policy', 'same-origin')
  c.header('X-Frame-Options', 'DENY')
  return c.html(page(title, content), status)
}

/** A form with hidden fields and one button for each answer. */
export function form(action: string, hidden: Readonly<Record<string, string>>, controls: string): string {
  const fields = Object.entries(hidden).map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`,
  )
  return `<form method="post" action="${escapeHtml(action)}">${fields.join('')}${controls}</form>`
}

export function button(label: string, name = '', value = ''): string {
  const named = name === '' ? '' : ` name="${name}" value="${escapeHtml(value)}"`
  return `<button type="submit"${named}>${escapeHtml(label)}</button>`
}
