/** A browser as far as signing in needs one: follows redirects, keeps cookies, sends forms. For the tour, where no screen is, and for tests. */

interface Cookie {
  readonly name: string
  readonly value: string
}

export interface Page {
  readonly url: string
  readonly status: number
  readonly html: string
}

const MOST_STEPS = 30

export class Visitor {
  /** By host and port, unlike a browser's: then no test can lean on what leaks between ports. */
  readonly cookies = new Map<string, Map<string, Cookie>>()
  /** Addresses visited, in order. */
  readonly trail: string[] = []

  /** Opens an address and follows where it leads. `until` stops before an address is opened. */
  async open(url: string, until: (url: URL) => boolean = () => false): Promise<Page> {
    return await this.#go(new URL(url), { method: 'GET' }, until)
  }

  /** Sends the form of a page; `fields` are the button pressed and what was typed. */
  async submit(
    from: Page,
    fields: Readonly<Record<string, string>>,
    until: (url: URL) => boolean = () => false,
  ): Promise<Page> {
    const form = /<form[^>]*\baction="([^"]*)"[^>]*>([\s\S]*?)<\/form>/i.exec(from.html)
    if (!form) throw new Error(`There is no form on ${from.url}: ${from.html.slice(0, 2_000)}`)
    const hidden = [...form[2]!.matchAll(/<input\b[^>]*>/gi)].flatMap(([tag]) => {
      const name = /\bname="([^"]*)"/i.exec(tag)?.[1]
      return name === undefined ? [] : [[name, plain(/\bvalue="([^"]*)"/i.exec(tag)?.[1] ?? '')]]
    })
    const body = new URLSearchParams({ ...(Object.fromEntries(hidden) as Record<string, string>), ...fields })
    const to = new URL(plain(form[1]!), from.url)
    const sameOrigin = to.origin === new URL(from.url).origin
    const headers = { origin: new URL(from.url).origin, 'sec-fetch-site': sameOrigin ? 'same-origin' : 'cross-site' }
    return await this.#go(to, { method: 'POST', body, headers }, until)
  }

  async #go(
    start: URL,
    first: { method: string; body?: URLSearchParams; headers?: Record<string, string> },
    until: (url: URL) => boolean,
  ): Promise<Page> {
    let url = start
    let request = first
    for (let step = 0; step < MOST_STEPS; step++) {
      this.trail.push(url.href)
      if (until(url)) return { url: url.href, status: 0, html: '' }
      const headers = { ...request.headers, cookie: this.#cookiesFor(url) }
      const response = await fetch(url, { ...request, headers, redirect: 'manual' })
      this.#keep(url, response)
      const location = response.headers.get('location')
      const html = await response.text()
      if (location === null || response.status < 300 || response.status > 399)
        return { url: url.href, status: response.status, html }
      url = new URL(location, url)
      request = { method: 'GET' }
    }
    throw new Error(`It goes round in circles: ${this.trail.join(' ')}`)
  }

  #cookiesFor(url: URL): string {
    return [...(this.cookies.get(url.host)?.values() ?? [])].map(({ name, value }) => `${name}=${value}`).join('; ')
  }

  #keep(url: URL, response: Response): void {
    const jar = this.cookies.get(url.host) ?? new Map<string, Cookie>()
    this.cookies.set(url.host, jar)
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';')
      const at = pair.indexOf('=')
      const name = pair.slice(0, at).trim()
      const gone = attributes.some(
        (each) => /^\s*max-age=0\s*$/i.test(each) || /^\s*expires=thu, 01 jan 1970/i.test(each),
      )
      if (gone) jar.delete(name)
      else jar.set(name, { name, value: pair.slice(at + 1).trim() })
    }
  }
}

function plain(text: string): string {
  return text
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}
