import * as z from 'zod'
import { EFFECTS } from '../../model/effects.ts'
import { DURATION } from '../units.ts'

/** Every field says what it is and how it looks: the text feeds the published JSON Schema and the remedies. */
export const text = (description: string, example: string) =>
  z
    .string()
    .min(1)
    .max(4_096)
    .meta({ description, examples: [example] })
export const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@/-]{0,127}$/)
  .meta({ description: 'Unique among documents of its kind.', examples: ['agents-ask-first'] })
/** A resource's name stands in user names, URLs and paths. */
export const resourceName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/)
  .meta({ description: 'What clients name to reach it.', examples: ['orders'] })
/** What tokens from outside may be signed with: never a shared secret, never nothing. */
export const SIGNATURE_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const
export const duration = (example: string) =>
  z
    .string()
    .regex(DURATION)
    .meta({ description: 'Digits and one of ms, s, m, h, d.', examples: [example] })
export const condition = (description: string, example: string) =>
  z
    .union([z.string().min(1).max(16_384), z.boolean()])
    .meta({ description: `CEL. ${description}`, examples: [example] })
export const reference = z
  .string()
  .max(256)
  .regex(/^(group|human|agent|service):\S(.*\S)?$/)
  .meta({ description: 'A group or one principal.', examples: ['group:dba'] })
export const people = z
  .string()
  .max(256)
  .regex(/^(group|human):\S(.*\S)?$/)
  .meta({ description: 'A group or one human. An agent or a service never approves.', examples: ['group:dba'] })
export const label = z
  .string()
  .max(128)
  .regex(/^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*$/)
  .meta({ description: 'A data class.', examples: ['pii.email'] })
export const labelPattern = z
  .string()
  .max(128)
  .regex(/^(\*|[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*(\.\*)?)$/)
  .meta({ description: 'A label, a prefix ending in `.*`, or `*` for every label.', examples: ['"pii.*"'] })
export const labelsOfThings = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9_./-]{0,62}$/)
      .meta({ examples: ['env'] }),
    z
      .string()
      .max(256)
      .meta({ description: 'A text; quote a number.', examples: ['prod'] }),
  )
  .meta({ description: 'What rules know it by.', examples: ['{ env: prod }'] })
export const effect = z.enum(EFFECTS).meta({ description: 'What an operation does.', examples: ['delete'] })
export const groups = z
  .array(name)
  .max(1_000)
  .optional()
  .meta({ description: 'Names of groups.', examples: ['[dba]'] })
export const say = text(
  'The sentence a refused or held caller reads.',
  'Deleting from production needs a DBA.',
).optional()
export const hint = text('What the caller may do instead.', 'Run it in staging.').optional()
export const description = text('For people.', 'Orders of the shop.').optional()
export const mode = z
  .enum(['enforce', 'shadow'])
  .optional()
  .meta({
    description: 'shadow: decide and log, do not act. Default enforce.',
    examples: ['enforce'],
  })

export const instant = z.iso
  .datetime({ offset: true })
  .meta({ description: 'Date and time with offset.', examples: ['2026-12-24T00:00:00Z'] })
