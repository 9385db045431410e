import { type ClientResponse, hc } from 'hono/client'
import { CATALOGUE, type ErrorCode } from '../kit/catalogue.ts'
import { SluiceError } from '../kit/errors.ts'
import { isUntrusted } from '../kit/untrusted.ts'
import type { Api } from './app.ts'

/** A typed client of every route: `client.api.v1.sessions.$get({ query: {} })`. Its types are the routes' own. */
export type ApiClient = ReturnType<typeof hc<Api>>

export interface ClientOptions {
  /** `http://127.0.0.1:8420` */
  readonly url: string
  readonly token?: string | undefined
  readonly fetch?: typeof fetch
}

/** Makes a client. It sends nothing until a route is called. */
export function createClient({ url, token, fetch: send = fetch }: ClientOptions): ApiClient {
  const named: typeof fetch = (input, init) =>
    send(input, init).catch((cause: unknown) => {
      throw unanswered(url, cause)
    })
  return hc<Api>(url, { headers: token ? { authorization: `Bearer ${token}` } : {}, fetch: named })
}

/** The error of a request that `fetch` could not get answered. */
export function unanswered(url: string, cause: unknown): SluiceError {
  const reason = reasonOf(cause)
  return new SluiceError(isUntrusted(reason) ? 'api.untrusted' : 'api.unreachable', `${url}: ${reason}`, { cause })
}

/** What kept a request from being answered: `fetch failed` says nothing, its cause does. */
function reasonOf(thrown: unknown): string {
  const { code } = ((thrown as Error | undefined)?.cause ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : thrown instanceof Error ? thrown.message : String(thrown)
}

/**
 * The JSON of a successful answer. Throws the gateway's refusal as a SluiceError with its code and message, or `target.unreachable`
 * when no gateway answers.
 */
export async function answerOf<T>(asked: Promise<ClientResponse<T, number, 'json'>>): Promise<T> {
  return (await (await succeeded(asked)).json()) as T
}

async function succeeded<R extends Pick<Response, 'ok' | 'status' | 'json'>>(asked: Promise<R>): Promise<R> {
  const response = await asked.catch((cause: unknown) => {
    if (cause instanceof SluiceError) throw cause
    throw new SluiceError('api.unreachable', cause instanceof Error ? cause.message : '', { cause })
  })
  if (!response.ok) throw await refusalOf(response)
  return response
}

/** A refusal as the gateway worded it. */
export class ApiRefusal extends SluiceError {
  readonly hint: string
  readonly rule: string
  readonly retry: boolean
  constructor(
    code: ErrorCode,
    { message, hint, rule, retry }: { message: string; hint: string; rule: string; retry: boolean },
  ) {
    super(code)
    this.name = 'ApiRefusal'
    this.message = message
    this.hint = hint
    this.rule = rule
    this.retry = retry
  }
  override get safeMessage(): string {
    return this.message
  }
  override get remedy(): string {
    return this.hint
  }
}

async function refusalOf(response: Pick<Response, 'status' | 'json'>): Promise<SluiceError> {
  const body = (await response.json().catch(() => undefined)) as Partial<Record<string, unknown>> | undefined
  const code = String(body?.code)
  // Something else than a gateway, or a newer one.
  if (!Object.hasOwn(CATALOGUE, code))
    return new SluiceError('api.unreachable', `it answered with status ${response.status}`)
  const word = (name: string) => (typeof body?.[name] === 'string' ? (body[name] as string) : '')
  return new ApiRefusal(code as ErrorCode, {
    message: word('message'),
    hint: word('hint'),
    rule: word('rule'),
    retry: body?.retry === true,
  })
}

/** One server-sent event. */
export interface ServerEvent {
  readonly event: string
  readonly data: unknown
}

const EVENT_CHARS = 16 * 1_048_576

/** Iterates over a route that streams events, until the gateway ends it. Throws like `answerOf`. */
export async function* eventsOf(asked: Promise<ClientResponse<unknown>>): AsyncGenerator<ServerEvent> {
  const response = await succeeded(asked)
  let rest = ''
  const decoder = new TextDecoder()
  for await (const chunk of (response as unknown as Response).body ?? []) {
    rest += decoder.decode(chunk, { stream: true })
    if (rest.length > EVENT_CHARS) throw new SluiceError('api.too_large')
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const event = parseEvent(rest.slice(0, end))
      rest = rest.slice(end + 2)
      if (event) yield event
    }
  }
}

/** A comment, which keeps the stream alive, is no event. */
function parseEvent(block: string): ServerEvent | undefined {
  const lines = block.split('\n')
  const field = (name: string) =>
    lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2))
  const text = field('data').join('\n')
  return text === '' ? undefined : { event: field('event')[0] ?? 'message', data: JSON.parse(text) as unknown }
}
