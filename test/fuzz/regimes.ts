import { effects } from '../../src/model/effects.ts'
import { catalogueOf, labelsOf } from '../rig/sketch.ts'
import type { Opinion, Regime } from '../rig/talk.ts'

/** The database of the recordings, created on the server and sketched for the conversation. */
export const DATABASE = `
create table customers (id int primary key, name text, email text, ssn text);
insert into customers values (1, 'Ada', 'ada@example.com', '987-65-4321'), (2, 'Bob', 'bob@example.com', '987-65-4322'), (3, 'Cy', null, null);
create table orders (id int primary key, customer_id int, note text);
insert into orders select g, 1 + g % 3, 'order ' || g from generate_series(1, 8) g;
`

const catalogue = catalogueOf({
  relations: [
    { name: 'public.customers', columns: 'id name email ssn' },
    { name: 'public.orders', columns: 'id customer_id note' },
  ],
})
const labels = labelsOf({ 'public.customers.email': 'pii.email', 'public.customers.ssn': 'pii.ssn' })

const DELETES = effects('delete')
const DEFINES = effects('define', 'grant')

/** Ways to judge, by name. */
export const REGIMES: Readonly<Record<string, Regime>> = {
  open: { decide: () => ({ outcome: 'allow' }), catalogue },
  masked: {
    decide: () => ({
      outcome: 'allow',
      obligations: {
        mask: [
          { labels: ['pii.email'], with: 'partial' },
          { labels: ['pii.*'], with: 'redact' },
        ],
      },
    }),
    catalogue,
    labels,
  },
  /** Definitions are refused, deletions held. */
  guarded: { decide: ({ effects: all }) => guarded(all), catalogue },
  /** Few rows. */
  limited: { decide: () => ({ outcome: 'allow', obligations: { mask: [], rows: 3 } }), catalogue },
}

function guarded(all: number): Opinion {
  if (all & DEFINES) return { outcome: 'deny' }
  return { outcome: all & DELETES ? 'approve' : 'allow' }
}
