import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { KINDS, policySchemas } from './index.ts'

/** Every object schema with examples, with where it stands. */
function exampled(schema: unknown, path: string): [path: string, schema: Record<string, unknown>][] {
  if (typeof schema !== 'object' || schema === null) return []
  const here = 'examples' in schema ? ([[path, schema]] as [string, Record<string, unknown>][]) : []
  return here.concat(
    Object.entries(schema).flatMap(([key, inner]) => (key === 'examples' ? [] : exampled(inner, `${path}.${key}`))),
  )
}

describe('the published schema', () => {
  test.each(KINDS)('%s refuses unknown keys and shows only examples that are valid', (kind) => {
    const schema = policySchemas()[kind]
    expect(schema.additionalProperties).toBe(false)
    for (const [path, { examples, ...rest }] of exampled(schema, kind)) {
      const reader = z.fromJSONSchema(rest as z.core.JSONSchema.JSONSchema)
      for (const example of examples as unknown[])
        expect([path, reader.safeParse(example).error?.issues]).toEqual([path, undefined])
    }
  })
})
