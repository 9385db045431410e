import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { SluiceError } from '../kit/errors.ts'
import type { ApprovalRow } from './approvals.ts'
import { openStore, type Store } from './store.ts'

let folder: string
let path: string
let store: Store

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-store-'))
  path = join(folder, 'state', 'sluice.db')
  store = await openStore({ path })
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

function approval(id: string, over: Partial<ApprovalRow> = {}): ApprovalRow {
  const texts = {
    chain: '[]',
    credential: 't',
    session: 's',
    resource: 'r',
    database: 'd',
    verb: 'v',
    effects: '[]',
    text: '',
    message: '',
  }
  const rest = {
    length: 0,
    statements: 1,
    parameters: '[]',
    session_state: '{}',
    terms: '[]',
    policy: 'p',
    created_ms: 0,
    expires_ms: 9e15,
    ended_ms: null,
    ended_why: null,
  }
  return { id, digest: id, state: 'pending', principal: 'human:ada', ...texts, ...rest, ...over }
}

/** Runs a program in several processes at once: each says it is ready, waits for a word, and answers. */
async function race(program: string, count: number): Promise<string[]> {
  const start = () =>
    spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const racers = Array.from({ length: count }, start)
  await Promise.all(racers.map((child) => once(child.stdout, 'data')))
  for (const child of racers) child.stdin.write('go\n')
  return Promise.all(racers.map((child) => text(child.stdout)))
}

it('the store is on disk before it answers, and for its owner only', async () => {
  const row = {
    id: 'a',
    hash: 'h',
    principal: 'p',
    actors: '[]',
    label: '',
    created_by: 'x',
    created_ms: 1,
    expires_ms: 9e15,
  }
  await store.tokens.insert({ ...row, revoked_ms: null, revoked_by: null })
  for (const name of readdirSync(join(folder, 'state')))
    expect(statSync(join(folder, 'state', name)).mode & 0o077).toBe(0)
  expect(statSync(join(folder, 'state')).mode & 0o077).toBe(0)
  const reader = new DatabaseSync(path)
  expect(reader.prepare('select expires_ms from tokens').all()).toEqual([{ expires_ms: 9e15 }])
  reader.close()
})

// G33: the compare-and-set holds between processes, not only between promises.
it('of two processes that use the same approvals at once, each approval has exactly one winner', async () => {
  const ids = Array.from({ length: 100 }, (_, i) => `apr_${i}`)
  for (const id of ids) await store.approvals.add(approval(id, { state: 'approved' }))
  const racer = `
    const { openStore } = await import(${JSON.stringify(new URL('./store.ts', import.meta.url).href)})
    const store = await openStore({ path: ${JSON.stringify(path)} })
    process.stdout.write('ready\\n')
    await new Promise((go) => process.stdin.once('data', go))
    const won = []
    for (const id of ${JSON.stringify(ids)}) if ((await store.approvals.consume({ id, now_ms: 1, stands: () => true, why: '' })) === 'consumed') won.push(id)
    process.stdout.write(JSON.stringify(won))
    process.exit(0)`
  const won = (await race(racer, 2)).map((answer) => JSON.parse(answer) as string[])
  expect(won.flat().sort()).toEqual([...ids].sort())
})

it('of two processes that count votes on the same requests at once, none fails and no vote is lost', async () => {
  const ids = Array.from({ length: 60 }, (_, i) => `apr_${i}`)
  for (const id of ids) await store.approvals.add(approval(id))
  const voter = `
    const { openStore } = await import(${JSON.stringify(new URL('./store.ts', import.meta.url).href)})
    const store = await openStore({ path: ${JSON.stringify(path)} })
    process.stdout.write('ready\\n')
    await new Promise((go) => process.stdin.once('data', go))
    const states = []
    for (const id of ${JSON.stringify(ids)}) {
      const vote = { approval: id, principal: String(process.pid), verdict: 'approve', reason: '', voted_ms: 1, credential: '' }
      states.push(await store.approvals.vote(vote, (votes) => (votes.length === 2 ? 'approved' : 'pending')).catch(String))
    }
    process.stdout.write(JSON.stringify(states))
    process.exit(0)`
  const [one, two] = (await race(voter, 2)).map((answer) => JSON.parse(answer) as string[])
  for (const i of ids.keys()) expect([one![i], two![i]].sort()).toEqual(['approved', 'pending'])
})

it('processes that open a new store at once all get it', async () => {
  const opener = `
    const { openStore } = await import(${JSON.stringify(new URL('./store.ts', import.meta.url).href)})
    process.stdout.write('ready\\n')
    await new Promise((go) => process.stdin.once('data', go))
    const store = await openStore({ path: ${JSON.stringify(join(folder, 'new.db'))} })
    process.stdout.write(String(await store.tokens.epoch()))
    process.exit(0)`
  expect(await race(opener, 4)).toEqual(['0', '0', '0', '0'])
})

it('one request per digest is open at a time', async () => {
  expect(await store.approvals.add(approval('a', { digest: 'd' }))).toBe(true)
  expect(await store.approvals.add(approval('b', { digest: 'd' }))).toBe(false)
  await store.approvals.change({ id: 'a', from: 'pending', to: 'rejected', at_ms: 1, why: '' })
  expect(await store.approvals.add(approval('b', { digest: 'd' }))).toBe(true)
  expect(await store.approvals.pending('human:ada')).toEqual({ own: 1, all: 1 })
  expect(await store.approvals.pending('human:eve')).toEqual({ own: 0, all: 1 })
  expect(await store.approvals.ended(['a', 'b', 'c'])).toEqual([{ id: 'a', state: 'rejected' }])
})

const use = (id: string, now_ms: number, stands = true) =>
  store.approvals.consume({ id, now_ms, stands: () => stands, why: 'why' })

it('an approval whose votes no longer stand ends, and is not used', async () => {
  await store.approvals.add(approval('a'))
  await store.approvals.change({ id: 'a', from: 'pending', to: 'approved', at_ms: 1, why: '' })
  expect(await use('a', 1, false)).toBe('fallen')
  expect(await store.approvals.get('a')).toMatchObject({ state: 'expired', ended_why: 'why' })
  expect(await use('a', 1)).toBeUndefined()
})

it('a state changes only from where it was', async () => {
  await store.approvals.add(approval('a'))
  expect(await store.approvals.change({ id: 'a', from: 'approved', to: 'expired', at_ms: 1, why: '' })).toBe(false)
  expect(await use('a', 1)).toBeUndefined()
  const vote = { approval: 'a', principal: 'p', verdict: 'approve', reason: '', voted_ms: 1, credential: '' }
  expect(await store.approvals.vote(vote, () => 'pending')).toBe('pending')
  expect(await store.approvals.vote(vote, () => 'approved')).toBeUndefined()
  expect(
    await store.approvals.vote({ ...vote, principal: 'q' }, (votes) => (votes.length === 2 ? 'approved' : 'pending')),
  ).toBe('approved')
  expect(await store.approvals.vote({ ...vote, principal: 'r' }, () => 'rejected')).toBeUndefined()
  expect(await use('a', 9e15)).toBeUndefined()
  expect(await use('a', 1)).toBe('consumed')
  expect(await use('a', 1)).toBeUndefined()
  expect(await store.approvals.expire(9e15)).toEqual([])
})

it('a store of a newer program is refused, and left as it is', async () => {
  await store.close()
  const writer = new DatabaseSync(path)
  const { version } = writer.prepare('select version from sluice_schema').get() as { version: number }
  writer.exec('update sluice_schema set version = 99')
  writer.close()
  const error = await openStore({ path }).then(
    () => undefined,
    (thrown: SluiceError) => thrown,
  )
  expect(error).toMatchObject({ code: 'config.invalid' })
  const reader = new DatabaseSync(path)
  expect(reader.prepare('select version from sluice_schema').all()).toEqual([{ version: 99 }])
  reader.exec(`update sluice_schema set version = ${version}`)
  reader.close()
  store = await openStore({ path })
})

it.each([
  ['a folder', () => folder],
  ['not a database', () => join(folder, 'text')],
])('a file that is %s gives a coded error', async (_, wrong) => {
  writeFileSync(join(folder, 'text'), 'x'.repeat(8_192))
  const error = await openStore({ path: wrong() }).then(
    () => undefined,
    (thrown: SluiceError) => thrown,
  )
  expect(error).toMatchObject({ code: 'store.unavailable' })
})

it('a database that was damaged under it gives a coded error, and recovers', async () => {
  const other = new DatabaseSync(path)
  other.exec('alter table tokens rename to gone')
  const error = await store.tokens.byId('a').then(
    () => undefined,
    (thrown: SluiceError) => thrown,
  )
  expect(error).toMatchObject({ code: 'store.unavailable' })
  other.exec('alter table gone rename to tokens')
  other.close()
  expect(await store.tokens.byId('a')).toBeUndefined()
})
