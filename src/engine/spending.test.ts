import { expect, test } from 'vitest'
import { createSpending } from './spending.ts'

const hourly = { key: 'a', window_ms: 3_600_000, countsRows: true }

test('what runs has its rows reserved; what ended has spent what it returned', () => {
  const spending = createSpending()
  spending.reserve(hourly, 1_000, 0)
  expect(spending.used(hourly, 1)).toMatchObject({ operations: 1, rows: 1_000 })
  spending.settle(hourly, { reserved: 1_000, rows: 7, bytes: 70 }, 2)
  expect(spending.used(hourly, 3)).toMatchObject({ operations: 1, rows: 7, bytes: 70 })
})

test('a new window begins with nothing spent, and what is settled late counts in it', () => {
  const spending = createSpending()
  spending.reserve(hourly, 10, 0)
  expect(spending.used(hourly, 3_600_000)).toMatchObject({ operations: 0, rows: 0 })
  spending.settle(hourly, { reserved: 10, rows: 5, bytes: 1 }, 3_600_000)
  expect(spending.used(hourly, 3_600_001)).toMatchObject({ rows: 5, bytes: 1 })
})

test('accounts count apart', () => {
  const spending = createSpending()
  spending.reserve(hourly, 10, 0)
  expect(spending.used({ ...hourly, key: 'b' }, 0)).toMatchObject({ operations: 0 })
})
