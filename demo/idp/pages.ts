import type { IncomingMessage } from 'node:http'
import type { DemoPerson } from './provider.ts'

const MOST_BYTES = 16_384

const escapeHtml = (text: string) => text.replaceAll(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)

export function page(title: string, content: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}button{font:inherit;padding:.5rem 1rem;margin:.25rem 0;display:block}</style>
</head><body><h1>${title}</h1>${content}</body></html>`
}

/** One button per person. There is no password: this provider exists to be tried out. */
export function peopleForm(uid: string, people: ReadonlyMap<string, DemoPerson>): string {
  const buttons = [...people].map(
    ([id, { name, email }]) =>
      `<button name="person" value="${escapeHtml(id)}">${escapeHtml(name)} &lt;${escapeHtml(email)}&gt;</button>`,
  )
  return `<p>Built in for trying Sluice out: no passwords. Who are you?</p><form method="post" action="/interaction/${uid}">${buttons.join('')}<button name="cancel" value="1">Cancel</button></form>`
}

/** The library's own hidden form, with a button to send it. */
export function confirmForm(form: string): string {
  return `${form}<p>Sign out of the demo identity provider too?</p><button form="op.logoutForm" name="logout" value="yes">Yes</button>`
}

/** The fields of a posted form. */
export async function formFields(request: IncomingMessage): Promise<Partial<Record<string, string>>> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size > MOST_BYTES) throw new Error('The form is too large.')
    parts.push(part)
  }
  return Object.fromEntries(new URLSearchParams(Buffer.concat(parts).toString()))
}
