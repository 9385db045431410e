import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLog } from '../kit/log.ts'
import { openPolicyFolder, type PolicyFolder } from './policy-folder.ts'

const RESOURCE = 'kind: Resource\nname: orders\nprotocol: postgres\naddress: 127.0.0.1:5432\nusers: [{ name: app }]\n'
const rule = (name: string) => `kind: Rule\nname: ${name}\nwho: true\non: true\nthen: deny\n`

let dir: string
let said: string[]
let open: PolicyFolder | undefined
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-policy-'))
  said = []
  write('resource.yaml', RESOURCE)
})
afterEach(() => {
  open?.close()
  rmSync(dir, { recursive: true, force: true })
})

function write(name: string, text: string): void {
  writeFileSync(join(dir, name), text)
}
function folder(): PolicyFolder {
  open = openPolicyFolder(
    dir,
    createLog('info', (line) => said.push(line)),
  )
  return open
}
/** Resolves with the next policy that comes into force: by the watcher, nobody calls reload. */
function nextPolicy(from: PolicyFolder): Promise<string[]> {
  return new Promise((resolve) => {
    const stop = from.onChange((policy) => {
      stop()
      resolve(policy.rules.map((each) => each.name))
    })
  })
}

test('a change in the folder comes into force by itself', async () => {
  const policies = folder()
  expect(policies.current().rules).toHaveLength(0)
  const next = nextPolicy(policies)
  write('rule.yaml', rule('first'))
  expect(await next).toEqual(['first'])
})

test('a broken file keeps the old policy and says where it is broken; mended, it comes into force', async () => {
  write('rule.yaml', rule('first'))
  const policies = folder()
  const before = policies.current()
  write('rule.yaml', 'kind: Rule\nname: first\nwho: true\non: true\nthen: perhaps\n')
  expect(policies.reload()).toBe(false)
  expect(policies.current()).toBe(before)
  expect(policies.problems()[0]).toMatch(/rule\.yaml:5:\d+: /)
  expect(said.join('')).toContain('the old policy stays in force')
  expect(policies.reload()).toBe(false)
  expect(said.filter((line) => line.includes('stays in force'))).toHaveLength(1)
  const next = nextPolicy(policies)
  write('rule.yaml', rule('second'))
  expect(await next).toEqual(['second'])
  expect(policies.problems()).toEqual([])
})

test('a broken file that is put back as it was is said to be in order', () => {
  write('rule.yaml', rule('first'))
  const policies = folder()
  write('rule.yaml', 'kind: Rulr\n')
  policies.reload()
  write('rule.yaml', rule('first'))
  expect(policies.reload()).toBe(false)
  expect(policies.problems()).toEqual([])
  expect(said.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual([
    'the policy folder is broken; the old policy stays in force',
    'the policy folder is in order again',
  ])
})

test('a deleted folder keeps the old policy', () => {
  write('rule.yaml', rule('first'))
  const policies = folder()
  rmSync(dir, { recursive: true })
  expect(policies.reload()).toBe(false)
  expect(policies.current().rules).toHaveLength(1)
  expect(policies.problems()[0]).toContain('cannot be read')
})

test('a folder that does not compile stops the start', () => {
  write('rule.yaml', 'kind: Rule\n')
  expect(() => folder()).toThrow('rule.yaml:1')
})

test('a missing folder stops the start with what to do', () => {
  rmSync(dir, { recursive: true })
  expect(() => folder()).toThrow('make it, or set policyDir')
})
