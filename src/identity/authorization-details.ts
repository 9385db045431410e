import { SluiceError } from '../kit/errors.ts'
import { EFFECTS, effectBit, effectNames } from '../model/effects.ts'
import { ALL_EFFECTS, type Grant, type Scope } from '../model/scope.ts'
import { LIMITS } from './limits.ts'

/** The one type of authorization details there is here (RFC 9396 §2): resources by name, and effects. */
export const DETAILS_TYPE = 'sluice'

/** A grant as clients write it. Nothing listed means nothing narrowed. */
export interface Detail {
  readonly type: typeof DETAILS_TYPE
  readonly resources?: readonly string[]
  readonly effects?: readonly string[]
}

const KEYS = new Set(['type', 'resources', 'effects'])

/**
 * Reads `authorization_details`, a JSON array. Throws `delegation.details` naming what is wrong: a key, a type or a word that is not known is
 * refused, because it may have meant less than what would be given without it.
 */
export function readDetails(text: string): Scope {
  if (text.length > LIMITS.details_chars) throw wrong(`it has more than ${LIMITS.details_chars} characters`)
  const value = parsed(text)
  if (!Array.isArray(value) || value.length === 0) throw wrong('it must be a list of at least one object')
  if (value.length > LIMITS.details) throw wrong(`it has more than ${LIMITS.details} objects`)
  return Object.freeze(value.map(readDetail))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new SluiceError('delegation.details', 'it is not JSON', { cause })
  }
}

function readDetail(value: unknown): Grant {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('each entry must be an object')
  const detail = value as Record<string, unknown>
  for (const key of Object.keys(detail))
    if (!KEYS.has(key)) throw wrong(`${JSON.stringify(key.slice(0, 40))} is no key`)
  if (detail.type !== DETAILS_TYPE) throw wrong(`its type must be "${DETAILS_TYPE}"`)
  const resources = words(detail, 'resources')
  const effects = words(detail, 'effects')
  if (resources && resources.length > LIMITS.details_resources)
    throw wrong(`it names more than ${LIMITS.details_resources} resources`)
  const pattern = resources?.find((name) => /[*?\s]/.test(name))
  if (pattern !== undefined)
    throw wrong(
      `${JSON.stringify(pattern.slice(0, 40))} is no resource’s name; leave \`resources\` out for all of them`,
    )
  let set = effects ? 0 : ALL_EFFECTS
  for (const word of effects ?? []) {
    if (!(EFFECTS as readonly string[]).includes(word))
      throw wrong(`${JSON.stringify(word.slice(0, 40))} is no effect; write ${EFFECTS.join(', ')}`)
    set |= effectBit(word)
  }
  return Object.freeze({ resources: resources && Object.freeze(resources), effects: set })
}

function words(detail: Record<string, unknown>, key: 'resources' | 'effects'): string[] | undefined {
  const value = detail[key]
  if (value === undefined) return undefined
  if (!Array.isArray(value) || value.length === 0 || !value.every((each) => typeof each === 'string'))
    throw wrong(`\`${key}\` must be a list of at least one text`)
  return [...new Set(value as string[])]
}

function wrong(detail: string): SluiceError {
  return new SluiceError('delegation.details', `authorization_details: ${detail}`)
}

/** A scope as it is stored, and as the token endpoint tells it. */
export function detailsOf(scope: Scope): Detail[] {
  return scope.map(({ resources, effects }) => ({
    type: DETAILS_TYPE,
    ...(resources ? { resources: [...resources] } : {}),
    ...(effects === ALL_EFFECTS ? {} : { effects: effectNames(effects) }),
  }))
}

export function scopeText(scope: Scope): string {
  return JSON.stringify(detailsOf(scope))
}

/** A stored scope; undefined where nothing is narrowed. Throws for one that cannot be read: it must not count as none. */
export function scopeOf(stored: string | null): Scope | undefined {
  return stored === null ? undefined : readDetails(stored)
}
