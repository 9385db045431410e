import { parse } from 'yaml'
import * as z from 'zod'
import { classification } from './schema/classification.ts'
import { commandTable } from './schema/command-table.ts'
import { agent, group, human, service } from './schema/identity.ts'
import { identityProvider } from './schema/provider.ts'
import { resource } from './schema/resource.ts'
import { budget, DAYS, freeze } from './schema/restriction.ts'
import { type approve, type oblige, rule } from './schema/rule.ts'
import { test } from './schema/test-case.ts'
import { trustedIssuer } from './schema/trust.ts'

/** The schema of each kind of document. A Test is read by `sluice policy test` and decides nothing. */
export const SCHEMAS = {
  Resource: resource,
  Rule: rule,
  Classification: classification,
  CommandTable: commandTable,
  Agent: agent,
  Human: human,
  Service: service,
  TrustedIssuer: trustedIssuer,
  Group: group,
  IdentityProvider: identityProvider,
  Freeze: freeze,
  Budget: budget,
  Test: test,
} as const

export type Kind = keyof typeof SCHEMAS
export const KINDS = Object.keys(SCHEMAS) as readonly Kind[]
export type DocumentOf<K extends Kind> = z.infer<(typeof SCHEMAS)[K]>
export type Approve = z.infer<typeof approve>
export type Oblige = z.infer<typeof oblige>
export type Weekday = (typeof DAYS)[number]
export const WEEKDAYS: readonly Weekday[] = DAYS

/** Examples are kept as people write them; JSON Schema wants the values they stand for. */
function readExamples({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  const examples = jsonSchema.examples as readonly unknown[] | undefined
  if (examples)
    jsonSchema.examples = examples.map((each) => (typeof each === 'string' ? (parse(each) as unknown) : each))
}

/** The JSON Schema of each kind, draft 2020-12. */
export function policySchemas(): Record<Kind, z.core.JSONSchema.BaseSchema> {
  const made = KINDS.map((kind) => [kind, z.toJSONSchema(SCHEMAS[kind], { io: 'input', override: readExamples })])
  return Object.fromEntries(made) as Record<Kind, z.core.JSONSchema.BaseSchema>
}

/** One schema for editors: any document of any kind. */
export function documentSchema(): object {
  const $defs = Object.fromEntries(
    Object.entries(policySchemas()).map(([kind, { $schema: _, ...schema }]) => [kind, schema]),
  )
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Sluice policy document',
    oneOf: KINDS.map((kind) => ({ $ref: `#/$defs/${kind}` })),
    $defs,
  }
}
