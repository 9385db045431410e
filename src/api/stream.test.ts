import { expect, it } from 'vitest'
import { LIMITS } from './limits.ts'
import { createStreams, listen } from './stream.ts'

function source() {
  const listeners = new Set<(n: number) => void>()
  const follow = (listener: (n: number) => void) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
  const tell = (n: number) => {
    for (const listener of listeners) listener(n)
  }
  return { follow, listeners, tell }
}

it('a listener is iterated in order, and let go when the signal aborts', async () => {
  const { follow, listeners, tell } = source()
  const over = new AbortController()
  const seen: number[] = []
  const reading = (async () => {
    for await (const n of listen(follow, over.signal)) {
      seen.push(n)
      if (n === 3) over.abort()
    }
  })()
  for (const n of [1, 2, 3, 4]) tell(n)
  await reading
  expect(seen).toEqual([1, 2, 3])
  expect(listeners.size).toBe(0)
})

it('an abort ends a wait, before the first event and after it', async () => {
  for (const events of [0, 1]) {
    const { follow, listeners, tell } = source()
    const over = new AbortController()
    const iterator = listen(follow, over.signal)[Symbol.asyncIterator]()
    const first = iterator.next()
    if (events > 0) {
      tell(1)
      expect(await first).toEqual({ done: false, value: 1 })
    }
    const waiting = events > 0 ? iterator.next() : first
    over.abort()
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(listeners.size).toBe(0)
  }
})

it('a reader too far behind loses the stream, not single events', async () => {
  const { follow, listeners, tell } = source()
  const iterator = listen(follow, new AbortController().signal)[Symbol.asyncIterator]()
  const first = iterator.next()
  for (let n = 0; n < LIMITS.stream_backlog + 50; n++) tell(n)
  expect((await first).value).toBe(0)
  let last = 0
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    expect(next.value).toBe(last + 1)
    last = next.value
  }
  expect(last).toBe(LIMITS.stream_backlog - 1)
  expect(listeners.size).toBe(0)
})

it('places for streams are counted per principal and in all', () => {
  const streams = createStreams()
  const leave = Array.from({ length: LIMITS.streams_own }, () => streams.enter('a'))
  expect(() => streams.enter('a')).toThrow()
  leave.pop()!()
  streams.enter('a')
  for (let i = LIMITS.streams_own; i < LIMITS.streams_all; i++) streams.enter(`p${i}`)
  expect(() => streams.enter('new')).toThrow()
})
