import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../kit/clock.ts'
import type { SluiceError } from '../kit/errors.ts'
import { createLog } from '../kit/log.ts'
import { Secret } from '../kit/secret.ts'
import { openStore, type Store } from '../store/store.ts'
import { loadMasterKey } from './keyfile.ts'
import { masterKey, randomKey, seal, unseal } from './seal.ts'
import { createVault, type Vault } from './vault.ts'

const CANARY = 'canary-7f3a-password'

let folder: string
let store: Store
let vault: Vault
let lines: string[]
const master = masterKey(randomKey())

const start = (key = master) =>
  createVault({
    store,
    master: key,
    clock: systemClock,
    env: { PW: 'from env', SLUICE_MASTER_KEY: 'x' },
    log: createLog('warn', (l) => lines.push(l)),
  })

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-vault-'))
  store = await openStore({ path: join(folder, 'sluice.db') })
  lines = []
  vault = await start()
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'fulfilled',
    (error: SluiceError) => error.code,
  )
const read = async (source: Parameters<Vault['read']>[0]) => (await vault.read(source)).reveal()

describe('a stored secret', () => {
  // G47
  it('comes back whole, and is nowhere in the clear', async () => {
    await vault.set('orders.pw', new Secret(CANARY), 'human:ada')
    expect(await read({ vault: 'orders.pw' })).toBe(CANARY)
    const shown =
      inspect(vault, { depth: 9 }) + JSON.stringify(vault) + JSON.stringify(await vault.list()) + lines.join('')
    expect(shown).not.toContain(CANARY)
    await store.close()
    for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name)).includes(CANARY)).toBe(false)
    store = await openStore({ path: join(folder, 'sluice.db') })
    vault = await start()
    expect(await read({ vault: 'orders.pw' })).toBe(CANARY)
  })

  it('is listed by name, replaced and deleted', async () => {
    await vault.set('b', new Secret('1'), 'human:ada')
    await vault.set('a', new Secret('1'), 'human:ada')
    await vault.set('a', new Secret('2'), 'human:bob')
    expect((await vault.list()).map((row) => [row.name, row.updatedBy])).toEqual([
      ['a', 'human:bob'],
      ['b', 'human:ada'],
    ])
    expect(await read({ vault: 'a' })).toBe('2')
    expect([await vault.delete('a'), await vault.delete('a')]).toEqual([true, false])
    expect(await code(vault.read({ vault: 'a' }))).toBe('vault.missing')
  })

  it('does not open under another name, another key, or with a changed byte', async () => {
    await vault.set('a', new Secret('one'), 'x')
    await vault.set('b', new Secret('two'), 'x')
    const a = (await store.secrets.get('a'))!
    await store.secrets.put({ ...a, name: 'b' })
    expect(await code(vault.read({ vault: 'b' }))).toBe('vault.key')
    const sealed = seal(master, 'n', new Secret('v'))
    const other = seal(master, 'n', new Secret('w'))
    const short = Buffer.from(sealed.sealed, 'base64').subarray(0, 16).toString('base64')
    for (const wrong of [
      { ...sealed, sealed: other.sealed },
      { ...sealed, wrapped: other.wrapped },
      { ...sealed, sealed: short },
    ]) {
      expect(() => unseal(master, 'n', wrong)).toThrow(expect.objectContaining({ code: 'vault.key' }))
    }
    expect(unseal(master, 'n', sealed).reveal()).toBe('v')
    expect(await code(start(masterKey(randomKey())))).toBe('vault.key')
  })

  it('is not taken with a wrong name or size', async () => {
    for (const name of ['', 'a/b', 'sluice/mask-key', '../a', 'x'.repeat(101), '-a']) {
      expect(await code(vault.set(name, new Secret('v'), 'x'))).toBe('vault.refused')
      expect(await vault.delete(name)).toBe(false)
    }
    for (const value of ['', 'é'.repeat(32_769)])
      expect(await code(vault.set('a', new Secret(value), 'x'))).toBe('vault.refused')
    expect(await code(vault.read({ vault: 'sluice/mask-key' }))).toBe('vault.missing')
  })
})

it('the mask key is one per installation, and random', async () => {
  const again = await start()
  expect(again.maskKey.reveal()).toBe(vault.maskKey.reveal())
  expect(Buffer.from(vault.maskKey.reveal(), 'base64')).toHaveLength(32)
  expect(await vault.list()).toEqual([])
  const other = await openStore({ path: join(folder, 'other.db') })
  const elsewhere = await createVault({ store: other, master, clock: systemClock, env: {} })
  expect(elsewhere.maskKey.reveal()).not.toBe(vault.maskKey.reveal())
  await other.close()
})

describe('a secret from outside', () => {
  it.each([
    ['secret', 'secret'],
    ['secret\n', 'secret'],
    ['secret\r\n', 'secret'],
    ['secret\n\n', 'secret\n'],
    [' spaced ', ' spaced '],
  ])('a file of %j means %j', async (content, want) => {
    const file = join(folder, 'pw')
    writeFileSync(file, content, { mode: 0o600 })
    expect(await read({ file })).toBe(want)
    expect(lines).toEqual([])
  })

  it('a file everyone can read is used with a warning that does not tell it', async () => {
    const file = join(folder, 'pw')
    writeFileSync(file, CANARY)
    chmodSync(file, 0o644)
    expect(await read({ file })).toBe(CANARY)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(file)
    expect(lines[0]).not.toContain(CANARY)
  })

  it('what is missing, empty, too large or no file is vault.missing', async () => {
    const at = (name: string) => join(folder, name)
    writeFileSync(at('empty'), '\n')
    writeFileSync(at('large'), 'x'.repeat(65_537))
    execFileSync('mkfifo', [at('pipe')])
    for (const file of [at('none'), at('empty'), at('large'), at('pipe'), folder])
      expect(await code(vault.read({ file }))).toBe('vault.missing')
    expect(await read({ env: 'PW' })).toBe('from env')
    for (const env of ['NONE', 'SLUICE_MASTER_KEY', '__proto__'])
      expect(await code(vault.read({ env }))).toBe('vault.missing')
  })
})

describe('the master key', () => {
  it('is made once, for its owner only', () => {
    const path = join(folder, 'keys', 'master.key')
    const first = loadMasterKey({ env: {}, path })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(loadMasterKey({ env: {}, path }).key.reveal()).toBe(first.key.reveal())
    expect(readdirSync(join(folder, 'keys'))).toEqual(['master.key'])
    expect(inspect(first) + JSON.stringify(first)).not.toContain(first.key.reveal())
  })

  it('comes from SLUICE_MASTER_KEY first, in base64 or hex', () => {
    const bytes = Buffer.alloc(32, 7)
    const path = join(folder, 'none')
    const ids = (['base64', 'hex'] as const).map(
      (form) => loadMasterKey({ env: { SLUICE_MASTER_KEY: bytes.toString(form) }, path }).id,
    )
    expect(ids[0]).toBe(ids[1])
    expect(readdirSync(folder)).not.toContain('none')
  })

  it.each(['', 'short', 'x'.repeat(64)])('is refused when it is %j', (text) => {
    expect(() => loadMasterKey({ env: { SLUICE_MASTER_KEY: text }, path: '' })).toThrow(
      expect.objectContaining({ code: 'config.invalid' }),
    )
  })

  it('is refused from a file others can read', () => {
    const path = join(folder, 'master.key')
    writeFileSync(path, randomKey())
    chmodSync(path, 0o640)
    expect(() => loadMasterKey({ env: {}, path })).toThrow(/chmod 600/)
  })
})
