import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { Ed25519Key } from '../../kit/ssh-key.ts'
import { SshReader, sshString, sshUint32 } from '../../kit/ssh-wire.ts'
import { LIMITS } from './limits.ts'

interface Certificate {
  /** The line of a -cert.pub file. */
  readonly certificate: string
  readonly expires_ms: number
}

export interface RunAgentOptions {
  /** Where its socket lies, in a folder of its owner's alone. */
  readonly path: string
  readonly certify: (publicKey: string, ttl_ms: number) => Promise<Certificate>
  readonly said: (why: string) => void
}

export interface RunAgent {
  readonly path: string
  close(): Promise<void>
}

/** Message numbers of draft-ietf-sshm-ssh-agent §6. */
const FAILURE = 5
const REQUEST_IDENTITIES = 11
const IDENTITIES_ANSWER = 12
const SIGN_REQUEST = 13
const SIGN_RESPONSE = 14

/**
 * An ssh-agent with one key, made for this run and known to nobody else. Each time a client asks, it has a certificate that still holds. It
 * signs with that certificate and does nothing else: no key can be added, listed in the clear, or taken out.
 */
export async function startRunAgent({ path, certify, said }: RunAgentOptions): Promise<RunAgent> {
  const key = Ed25519Key.fresh()
  let held: { blob: Buffer; expires_ms: number } | undefined
  let asking: Promise<Buffer> | undefined

  async function ask(): Promise<Buffer> {
    const { certificate, expires_ms } = await certify(key.publicLine('sluice run'), LIMITS.certificate_ms)
    const blob = Buffer.from(certificate.split(' ')[1] ?? '', 'base64')
    held = { blob, expires_ms }
    return blob
  }

  async function certificate(): Promise<Buffer> {
    if (held && held.expires_ms - Date.now() > LIMITS.certificate_left_ms) return held.blob
    asking ??= ask().finally(() => {
      asking = undefined
    })
    return await asking
  }

  async function answer(message: Buffer): Promise<Buffer> {
    const reader = new SshReader(message.subarray(1))
    if (message[0] === REQUEST_IDENTITIES)
      return Buffer.concat([
        Buffer.from([IDENTITIES_ANSWER]),
        sshUint32(1),
        sshString(await certificate()),
        sshString('sluice run'),
      ])
    if (message[0] === SIGN_REQUEST && reader.string().equals(held?.blob ?? Buffer.alloc(1)))
      return Buffer.concat([Buffer.from([SIGN_RESPONSE]), sshString(key.sign(reader.string()))])
    return Buffer.from([FAILURE])
  }

  const open = new Set<Socket>()
  const server = createServer((client) => {
    open.add(client)
    client.once('close', () => open.delete(client))
    client.on('error', () => client.destroy())
    converse(client, answer).catch((error: unknown) => {
      said(`ssh: ${error instanceof Error ? error.message : String(error)}`)
      client.destroy()
    })
  })
  server.maxConnections = LIMITS.agent_connections
  server.listen(path)
  await once(server, 'listening')
  return {
    path,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const client of open) client.destroy()
      }),
  }
}

/** Requests in their order, each answered before the next is read. */
async function converse(client: Socket, answer: (message: Buffer) => Promise<Buffer>): Promise<void> {
  let rest = Buffer.alloc(0)
  for await (const chunk of client as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4) {
      const length = rest.readUInt32BE(0)
      if (length === 0 || length > LIMITS.agent_message) return void client.destroy()
      if (rest.length < 4 + length) break
      const message = rest.subarray(4, 4 + length)
      rest = rest.subarray(4 + length)
      client.write(sshString(await answer(message)))
    }
  }
}
