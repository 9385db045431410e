import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tempFolder } from '../../test/rig/temp.ts'
import { Secret } from '../kit/secret.ts'
import type { SecretPort } from '../model/ports.ts'
import { readTargetPem } from './target-pem.ts'

const secrets: SecretPort = {
  maskKey: new Secret('x'),
  read: async (source) => new Secret(`read ${JSON.stringify(source)}`),
}

test('files of a target are read anew for each session, its key by way of the vault', async () => {
  const { path } = tempFolder('pem')
  const [ca, cert] = [join(path, 'ca'), join(path, 'cert')]
  for (const content of ['one', 'two']) {
    writeFileSync(ca, `ca ${content}`)
    writeFileSync(cert, `cert ${content}`)
    const pem = await readTargetPem({ mode: 'verify-full', ca, cert, key: '/k' }, secrets)
    expect([pem.ca, pem.cert, pem.key?.reveal()]).toEqual([`ca ${content}`, `cert ${content}`, 'read {"file":"/k"}'])
  }
})

test('what is not configured is not there, and what cannot be read ends the login', async () => {
  expect(await readTargetPem({ mode: 'require' }, secrets)).toEqual({})
  await expect(readTargetPem({ mode: 'verify-ca', ca: '/nonexistent' }, secrets)).rejects.toMatchObject({
    code: 'target.tls_files',
  })
})
