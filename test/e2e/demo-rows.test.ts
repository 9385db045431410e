/** The demo's shop is the same for everybody, and nothing in it is anybody's. */
import { expect, test } from 'vitest'
import { demoOptions } from '../../demo/options.ts'
import { POISONED_TICKET, people, shopRows } from '../../demo/rows.ts'

const shop = shopRows(people())
const rows = (table: string) => shop[table]!

test('the rows are the same every time, a few thousand of them', () => {
  expect(shopRows(people())).toEqual(shop)
  const counts = Object.values(shop).map((table) => table.length)
  expect(counts.reduce((a, b) => a + b)).toBeGreaterThan(5_000)
})

test('every address, number and card is one set aside for examples', () => {
  for (const customer of rows('customers')) {
    expect(customer.email).toMatch(/@example\.(com|org|net)$/)
    expect(customer.phone).toMatch(/^\+1 \d{3} 555 01\d\d$/)
  }
  for (const { card } of rows('payments')) {
    expect(card).toMatch(/^(4242 42|5555 55|4111 11|5105 10)/)
    expect(luhn(String(card))).toBe(0)
  }
})

test('one ticket gives an agent orders, and it is open', () => {
  const poisoned = rows('tickets').filter((ticket) => String(ticket.body).includes('api_token'))
  expect(poisoned.map((ticket) => [ticket.id, ticket.status])).toEqual([[POISONED_TICKET, 'open']])
})

test('rows refer only to rows that are there', () => {
  const ids = (table: string) => new Set(rows(table).map((row) => row.id))
  for (const [table, column, target] of [
    ['orders', 'customer_id', 'customers'],
    ['payments', 'order_id', 'orders'],
    ['tickets', 'customer_id', 'customers'],
  ] as const) {
    const known = ids(target)
    expect(rows(table).filter((row) => !known.has(row[column]))).toEqual([])
  }
})

test('options come from the command line, then the environment, then the defaults', () => {
  expect(demoOptions([], {})).toEqual({ port: 15432, apiPort: 8420, dir: '.sluice' })
  expect(demoOptions(['--port', '1'], { SLUICE_PORT: '2', SLUICE_API_PORT: '3', SLUICE_DIR: 'd' })).toEqual({
    port: 1,
    apiPort: 3,
    dir: 'd',
  })
})

function luhn(card: string): number {
  const digits = card.replaceAll(' ', '').split('').reverse().map(Number)
  return digits.reduce((sum, digit, i) => sum + (i % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2), 0) % 10
}
