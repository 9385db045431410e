import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadProfile } from './profile.ts'

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sluice-profile-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

function profile(file: object, tokens: Record<string, string> = {}, folder = '.sluice'): void {
  mkdirSync(join(cwd, folder, 'tokens'), { recursive: true })
  writeFileSync(join(cwd, folder, 'profile.json'), JSON.stringify(file), { mode: 0o600 })
  for (const [name, token] of Object.entries(tokens)) writeFileSync(join(cwd, folder, 'tokens', name), `${token}\n`)
}
const load = (choice = {}, env: NodeJS.ProcessEnv = {}) =>
  loadProfile(choice, { HOME: cwd, XDG_CONFIG_HOME: join(cwd, 'config'), ...env }, cwd)

test('without a profile the gateway of this machine is meant, and nobody is signed in', () => {
  expect(load()).toEqual({
    api: 'http://127.0.0.1:8420',
    token: undefined,
    postgres: undefined,
    ca: undefined,
    folder: undefined,
  })
})

test('the profile of the current folder names the gateway and who asks', () => {
  profile({ api: 'http://127.0.0.1:9000/', as: 'ada', postgres: '127.0.0.1:9001' }, { ada: 'slu_ada', bot: 'slu_bot' })
  expect(load()).toMatchObject({ api: 'http://127.0.0.1:9000', token: 'slu_ada', postgres: '127.0.0.1:9001' })
  expect(load({ as: 'bot' }).token).toBe('slu_bot')
})

test('environment wins over the profile, the command line over both', () => {
  profile({ api: 'http://127.0.0.1:9000', as: 'ada' }, { ada: 'slu_ada', bot: 'slu_bot' })
  const env = { SLUICE_URL: 'http://127.0.0.1:9100', SLUICE_TOKEN: 'slu_env' }
  expect(load({}, env)).toMatchObject({ api: 'http://127.0.0.1:9100', token: 'slu_env' })
  expect(load({ as: 'bot' }, env).token).toBe('slu_bot')
  expect(load({ token: 'slu_line', url: 'https://g.example' }, env)).toMatchObject({
    api: 'https://g.example',
    token: 'slu_line',
  })
})

test('the folder of the user is used where the current one has none, and SLUICE_DIR names another', () => {
  profile({ api: 'http://127.0.0.1:9200' }, {}, 'config/sluice')
  expect(load().api).toBe('http://127.0.0.1:9200')
  profile({ api: 'http://127.0.0.1:9300' }, {}, 'elsewhere')
  expect(load({}, { SLUICE_DIR: join(cwd, 'elsewhere') }).api).toBe('http://127.0.0.1:9300')
})

test('a profile others may write is not used: it could send the token anywhere', () => {
  profile({ api: 'http://127.0.0.1:9000' })
  chmodSync(join(cwd, '.sluice/profile.json'), 0o666)
  expect(() => load()).toThrow('could have been written by another user')
})

test.each([
  [{ url: 'http://gateway.example', token: 'slu_x' }, 'may not be sent to gateway.example without TLS'],
  [{ url: 'http://gateway.example', anonymous: true }, 'may not be sent to gateway.example without TLS'],
  [{ url: 'gateway:1' }, 'is not a URL of a gateway'],
  [{ as: 'nobody' }, 'There is no token for nobody'],
  [{ as: '../ada' }, 'is not a name of an identity'],
])('what cannot be right is a sentence: %j', (choice, sentence) => {
  profile({}, { ada: 'slu_ada' })
  expect(() => load(choice)).toThrow(sentence)
})
