/** B3 to B9: what is computed from labelled values shows nothing that whoever wrote the query could choose. */
import { describe, expect, test } from 'vitest'
import * as backend from '../../../test/rig/backend.ts'
import { SHOP, SHOP_LABELS } from '../../../test/rig/sketch.ts'
import { type Regime, Talk } from '../../../test/rig/talk.ts'
import * as wire from '../../../test/rig/wire.ts'
import type { MaskTransform } from '../../model/decision.ts'

const masking = (transform: MaskTransform): Regime => ({
  decide: () => ({ outcome: 'allow', obligations: { mask: [{ labels: ['*'], with: transform }] } }),
  labels: SHOP_LABELS,
  catalogue: SHOP,
  sampleRows: 0,
})

/** What a client sees of one value, and of a NULL, in the only column of a query. */
async function seen(transform: MaskTransform, sql: string, value: string): Promise<string[]> {
  const talk = await Talk.open(masking(transform))
  await talk.says(wire.query(sql))
  await talk.answers(
    backend.description('x'),
    backend.row(value),
    backend.row(null),
    backend.complete('SELECT 2'),
    backend.ready(),
  )
  return talk.heard().slice(1, 3)
}

const PLAIN = [
  'select email from customers',
  'select c.email as mail from customers c',
  'select x from (select email as x from customers) s',
  'with w (x) as (select email from customers) select w.x from w',
  'select email from customers union all select email from customers',
  'select email::text from customers',
]

const COMPUTED = [
  "select substr(email, 1) || '######' from customers",
  'select lpad(substr(card, 5, 4), 16) from customers',
  "select left(email, 0) || 'a' from customers",
  "select substring(email from '^a') from customers",
  "select nullif(email, 'ada@example.com') from customers",
  'select case when id = 1 then email end from customers',
  'select x from (select reverse(email) as x from customers) s',
  'with w (x) as (select upper(email) from customers) select x from w',
  'select email from customers union all select reverse(email) from customers',
  'select max(email) from customers',
  'select email::varchar(3) from customers',
]

describe.each<MaskTransform>(['partial', 'hash', 'tokenize', 'fixed', 'redact'])('with %s', (transform) => {
  test.each(COMPUTED)('%s: one replacement for every cell, NULL too', async (sql) => {
    expect(await seen(transform, sql, 'ada@example.com')).toEqual(['D *masked*', 'D *masked*'])
  })

  test.each(PLAIN)('%s: as the rule says, and NULL stays NULL', async (sql) => {
    const [value, nothing] = await seen(transform, sql, 'ada@example.com')
    expect(value === 'D *masked*').toBe(transform === 'redact')
    expect(value).not.toContain('ada@')
    expect(nothing).toBe('D NULL')
  })
})
