/** The demo's shop is the same for everybody, and nothing in it is anybody's. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { demoFolder, preparePolicy } from '../../demo/folder.ts'
import { demoOptions } from '../../demo/options.ts'
import { POISONED_TICKET, people, shopRows } from '../../demo/rows.ts'
import { tempFolder } from '../rig/temp.ts'

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
  expect(demoOptions(['--ssh-port', '4'], { SLUICE_SSH_PORT: '5' })).toMatchObject({ sshPort: 4 })
  expect(demoOptions([], { SLUICE_SSH_PORT: '5' })).toMatchObject({ sshPort: 5 })
  expect(demoOptions(['--help'], {})).toBe('help')
  expect(() => demoOptions(['--ssh-port', 'x'], {})).toThrow('"x" is not a port')
})

test('a folder an older version made gets what is new, once, and keeps what the user wrote', () => {
  const temporary = tempFolder('demo')
  const folder = demoFolder(temporary.path)
  mkdirSync(folder.demo, { recursive: true })
  const said: string[] = []
  const prepare = () =>
    preparePolicy(folder, {
      ...{ postgresPort: 1, issuer: 'http://127.0.0.1:1', host: undefined },
      say: (line) => said.push(line),
    })
  const archive = join(folder.policy, 'archive.yaml')
  const rules = join(folder.policy, 'rules.yaml')
  prepare()
  expect([existsSync(archive), said]).toEqual([true, []])
  // As an older version left it: no archive, no record of what was given.
  rmSync(archive)
  rmSync(join(folder.demo, 'policy-files'))
  writeFileSync(rules, `${readFileSync(rules, 'utf8')}\n# mine\n`)
  prepare()
  expect(readFileSync(archive, 'utf8')).toContain('address: 127.0.0.1:1')
  expect(readFileSync(rules, 'utf8')).toMatch(/# mine\n$/)
  expect(said).toEqual([`Added ${archive}: new in this version.`])
  // Taken out on purpose: it stays out.
  rmSync(archive)
  prepare()
  expect(existsSync(archive)).toBe(false)
  // One that does not fit what the user wrote is left out, and told.
  rmSync(join(folder.demo, 'policy-files'))
  writeFileSync(
    join(folder.policy, 'mine.yaml'),
    readFileSync(join(folder.policy, 'orders.yaml'), 'utf8').replace(/name: orders$/m, 'name: archive'),
  )
  prepare()
  expect([existsSync(archive), said.at(-1)]).toEqual([false, expect.stringMatching(/^Left out archive\.yaml/)])
  temporary.remove()
})

function luhn(card: string): number {
  const digits = card.replaceAll(' ', '').split('').reverse().map(Number)
  return digits.reduce((sum, digit, i) => sum + (i % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2), 0) % 10
}
