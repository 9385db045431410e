import { SluiceError } from '../../kit/errors.ts'
import { LIMITS } from './limits.ts'

/** A request's fields, each once (RFC 6749 §3.2). */
export class Form {
  readonly #fields: ReadonlyMap<string, string>

  /** Throws `oauth.request` for a field that comes twice, or for too many or too long ones. A field without a value is as if it were not there. */
  constructor(entries: Iterable<readonly [string, string]>) {
    const fields = new Map<string, string>()
    const seen = new Set<string>()
    for (const [name, value] of entries) {
      if (seen.has(name)) throw new SluiceError('oauth.request', `${shown(name)} comes twice`)
      seen.add(name)
      if (seen.size > LIMITS.fields) throw new SluiceError('oauth.request', `more than ${LIMITS.fields} fields`)
      if (value.length > LIMITS.field_chars) throw new SluiceError('oauth.request', `${shown(name)} is too long`)
      if (value !== '') fields.set(name, value)
    }
    this.#fields = fields
  }

  get(name: string): string | undefined {
    return this.#fields.get(name)
  }

  /** Throws `oauth.request` when it is not there. */
  need(name: string): string {
    const value = this.#fields.get(name)
    if (value === undefined) throw new SluiceError('oauth.request', `${name} is missing`)
    return value
  }

  /** Throws `oauth.request` when any of these is there: what is not understood must not be passed over. */
  without(...names: readonly string[]): void {
    for (const name of names)
      if (this.#fields.has(name)) throw new SluiceError('oauth.request', `${name} is not taken here`)
  }
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 40))
}
