import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { ownCertificate, selfSigned } from './certificate.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'sluice-cert-'))
  folders.push(path)
  return path
}

const YEAR_MS = 365 * 86_400_000

test.each([
  ['now', Date.UTC(2026, 0, 1)],
  ['an end beyond 2049, where the form of dates changes', Date.UTC(2048, 6, 1)],
])('a made certificate verifies by itself: %s', (_, now_ms) => {
  const certificate = new X509Certificate(selfSigned(['localhost', 'gateway'], now_ms).cert)
  expect(certificate.verify(certificate.publicKey)).toBe(true)
  expect(certificate.checkHost('gateway')).toBe('gateway')
  expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1')
  expect(certificate.checkIP('::1')).toBe('::1')
  expect(certificate.ca).toBe(false)
  expect(certificate.validToDate.getTime()).toBe(now_ms + 825 * 86_400_000)
})

test('a TLS client that is given the certificate verifies the gateway in full', async () => {
  const pair = selfSigned(['localhost'], Date.now())
  const server = createServer(pair, (socket) => socket.end('hello'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const heard = await new Promise((resolve, reject) => {
    const socket = connect({ host: 'localhost', port, ca: pair.cert, servername: 'localhost' }, () =>
      resolve(socket.authorized),
    )
    socket.on('error', reject)
    socket.on('end', () => socket.end())
  })
  server.close()
  expect(heard).toBe(true)
})

test('the certificate is made once, kept, and made anew before it ends; the key is private', () => {
  const place = folder()
  const first = ownCertificate(place, [], Date.now())
  expect(ownCertificate(place, [], Date.now())).toEqual(first)
  expect(statSync(join(place, 'key.pem')).mode & 0o777).toBe(0o600)
  expect(ownCertificate(place, [], Date.now() + 3 * YEAR_MS).cert).not.toBe(first.cert)
})

test('it carries the names clients use, and is made anew only when it lacks one', () => {
  const place = folder()
  const first = ownCertificate(place, [], Date.now())
  const named = ownCertificate(place, ['gw.example', '192.0.2.7', '2001:db8::1:0:0:9'], Date.now())
  expect(named.cert).not.toBe(first.cert)
  const certificate = new X509Certificate(named.cert)
  expect(certificate.subjectAltName).toContain('DNS:gw.example, DNS:localhost')
  for (const address of ['192.0.2.7', '2001:db8::1:0:0:9', '127.0.0.1', '::1'])
    expect(certificate.checkIP(address), address).toBe(address)
  for (const fewer of [['gw.example'], ['2001:db8:0:0:1::9'], []])
    expect(ownCertificate(place, fewer, Date.now())).toEqual(named)
})
