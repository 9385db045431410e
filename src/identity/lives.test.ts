import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Declared, startDeclared } from '../../test/rig/declared.ts'
import { tempFolder } from '../../test/rig/temp.ts'
import { openStore, type Store } from '../store/store.ts'

const KEEPER = 'kind: Human\nname: keeper\n'
const erin = (more = 'groups: [staff]') => `${KEEPER}---\nkind: Human\nname: erin\n${more}\n`
const bot = (more = '') => `${KEEPER}---\nkind: Agent\nname: bot\nowner: staff\ndelegators: [human:keeper]\n${more}`
const MINUTE = 60_000

let store: Store
let hands: { now_ms: number }
let gateway: Declared
const path = () => join(tempFolder('lives').path, 'store.sqlite')
const start = (documents: string) => startDeclared(store, hands, documents)

beforeEach(async () => {
  hands = { now_ms: 1_800_000_000_000 }
  store = await openStore({ path: path() })
  gateway = await start(erin())
})
afterEach(async () => {
  gateway[Symbol.dispose]()
  await store.close()
})

/** Lets a change that was observed be written down. */
const settled = (id: string) =>
  vi.waitFor(async () => {
    await gateway.token(id)
  })

// G10, G12
describe('what a principal held', () => {
  it.each<[string, string, string, string]>([
    ['a person', 'human:erin', erin(), erin('groups: [dba]')],
    ['a person whose address is all that differs', 'human:erin', erin(), erin('email: e@x.example\ngroups: [staff]')],
    [
      'a service',
      'service:s',
      `${KEEPER}---\nkind: Service\nname: s\n`,
      `${KEEPER}---\nkind: Service\nname: s\ngroups: [dba]\n`,
    ],
    ['an agent of the same owner', 'agent:bot', bot(), bot('purpose: another\n')],
  ])('is not that of another who has the name at once: %s', async (_, id, first, second) => {
    gateway.declare(first)
    await settled(id)
    const token = await gateway.token(id)
    gateway.declare(KEEPER)
    expect(await gateway.stands(token)).toBe(false)
    gateway.declare(second)
    expect(await gateway.stands(token)).toBe(false)
    await settled(id)
    expect(await gateway.stands(token)).toBe(false)
    expect(await gateway.stands(await gateway.token(id))).toBe(true)
  })

  it('is not that of who has the very same document later', async () => {
    const token = await gateway.token('human:erin')
    gateway.declare(KEEPER)
    hands.now_ms += MINUTE + 1
    gateway.declare(erin())
    await settled('human:erin')
    expect(await gateway.stands(token)).toBe(false)
  })

  it('ends for agents who acted for them', async () => {
    const documents = (groups: string) =>
      `${erin(`groups: [${groups}]`)}---\nkind: Agent\nname: bot\nowner: staff\ndelegators: [human:erin]\n`
    gateway.declare(documents('staff'))
    await settled('agent:bot')
    const token = await gateway.token('agent:bot', ['human:erin'])
    expect(await gateway.stands(token)).toBe(true)
    gateway.declare(bot())
    gateway.declare(documents('dba'))
    await settled('human:erin')
    expect(await gateway.stands(token)).toBe(false)
  })

  it('goes with a document that went while the gateway was down, and over restarts', async () => {
    const token = await gateway.token('human:erin')
    gateway[Symbol.dispose]()
    gateway = await start(KEEPER)
    gateway[Symbol.dispose]()
    hands.now_ms += MINUTE + 1
    gateway = await start(erin())
    expect(await gateway.stands(token)).toBe(false)
    gateway[Symbol.dispose]()
    gateway = await start(erin())
    expect(await gateway.stands(token)).toBe(false)
  })

  it('is nothing to another process either, which never saw the one before go', async () => {
    const token = await gateway.token('human:erin')
    using other = await start(erin())
    expect(await other.stands(token)).toBe(true)
    gateway.declare(KEEPER)
    gateway.declare(erin('groups: [dba]'))
    await settled('human:erin')
    other.declare(erin('groups: [dba]'))
    await other.notice()
    expect(await other.stands(token)).toBe(false)
    expect(await other.stands(await gateway.token('human:erin'))).toBe(true)
  })

  it('waits with the new one until it is written down', async () => {
    const put = vi.spyOn(store.principals, 'put').mockRejectedValue(new Error('the disk is full'))
    const token = await gateway.token('human:erin')
    gateway.declare(KEEPER)
    gateway.declare(erin('groups: [dba]'))
    await expect(gateway.token('human:erin')).rejects.toMatchObject({ code: 'token.invalid' })
    expect(await gateway.stands(token)).toBe(false)
    put.mockRestore()
    gateway.declare(erin('groups: [dba, staff]'))
    await settled('human:erin')
    expect(await gateway.stands(token)).toBe(false)
  })

  it('is theirs alone even when it is written as the name goes over', async () => {
    const { insert } = store.tokens
    store.tokens.insert = async (row) => {
      store.tokens.insert = insert
      gateway.declare(KEEPER)
      gateway.declare(erin('groups: [dba]'))
      await settled('human:erin')
      return await insert(row)
    }
    const token = await gateway.token('human:erin')
    expect(await gateway.stands(token)).toBe(false)
  })

  it('ends a live session, although both had the name within the same second', async () => {
    const token = await gateway.token('human:erin')
    const principal = (await gateway.identity.authenticate({ kind: 'token', proof: token, from: '' }))!
    const ended = vi.fn()
    gateway.identity.onRevoked(principal, ended)
    gateway.declare(KEEPER)
    gateway.declare(erin('email: other@x.example\ngroups: [staff]'))
    await settled('human:erin')
    await gateway.identity.sweep()
    expect(ended).toHaveBeenCalledTimes(1)
  })
})

describe('nobody is taken for another', () => {
  it.each<[string, () => void]>([
    ['when their document is changed', () => gateway.declare(erin('groups: [dba]\nemail: new@x.example'))],
    [
      'when a file is written anew, and was seen without it for a moment',
      () => {
        gateway.declare(KEEPER)
        hands.now_ms += MINUTE
        gateway.declare(erin())
      },
    ],
    [
      'when the folder was empty, however long',
      () => {
        gateway.declare('')
        hands.now_ms += 100 * MINUTE
        gateway.declare(erin())
      },
    ],
  ])('%s', async (_, change) => {
    const token = await gateway.token('human:erin')
    change()
    await settled('human:erin')
    expect(await gateway.stands(token)).toBe(true)
  })
})
