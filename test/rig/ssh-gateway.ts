import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Finished, run } from './child.ts'
import { startTestGateway, type TestGateway, type TestGatewayOptions } from './gateway.ts'
import type { Sshd } from './sshd.ts'
import { tempFolder } from './temp.ts'

export interface SshGatewayOptions {
  readonly target: Pick<Sshd, 'host' | 'port' | 'user' | 'hostKey' | 'keyText'>
  /** Policy documents in YAML without resources. Everyone it names as Human, Agent or Service gets a token. */
  readonly policy: string
  /** Changes to the resource `web-1`, which is labelled env: prod. */
  readonly resource?: Readonly<Record<string, unknown>>
  /** More documents. */
  readonly documents?: readonly Readonly<Record<string, unknown>>[]
  readonly settings?: Readonly<Record<string, unknown>>
  /** A folder of the test's own for ledger, store and keys. */
  readonly dataDir?: string
  /** The way to the target. */
  readonly through?: TestGatewayOptions['through']
  /** Switches of node for the gateway's process. */
  readonly node?: readonly string[]
}

export interface SshGateway extends AsyncDisposable {
  readonly gateway: TestGateway
  readonly port: number
  /** A folder of this test: keys, known hosts. */
  readonly folder: string
  /** Runs the stock `ssh` through the gateway, the principal's token as its password. */
  ssh(principal: string, args: readonly string[], input?: string | Buffer): Promise<Finished>
  /** Options every OpenSSH client here is given, and the environment in which it finds `secret` as its password. */
  readonly options: readonly string[]
  password(secret: string): NodeJS.ProcessEnv
  stop(): Promise<void>
}

/** A gateway in front of one SSH server, as the resource `web-1`. */
export async function startSshGateway(options: SshGatewayOptions): Promise<SshGateway> {
  const { target, policy, resource, documents = [], settings, dataDir, node, through } = options
  const folder = tempFolder('ssh')
  const keyFile = join(folder.path, 'target-key')
  writeFileSync(keyFile, target.keyText, { mode: 0o600 })
  const web = {
    kind: 'Resource',
    name: 'web-1',
    protocol: 'ssh',
    address: `${target.host}:${target.port}`,
    labels: { env: 'prod' },
    users: [{ name: target.user, key: { file: keyFile } }],
    hostKeys: [target.hostKey],
    ...resource,
  }
  const gateway = await startTestGateway({
    target: { host: target.host, port: target.port, user: target.user, password: '', database: '' },
    policy: [policy, ...[web, ...documents].map((document) => JSON.stringify(document))].join('\n---\n'),
    resources: [],
    ...(dataDir !== undefined && { dataDir }),
    ...(node && { node }),
    ...(through && { through }),
    settings: { listen: { postgres: '127.0.0.1:0', api: '127.0.0.1:0', ssh: '127.0.0.1:0' }, ...settings },
  })
  const sshOptions = [
    ...['-F', '/dev/null'],
    ...['-o', `Port=${gateway.ssh}`],
    ...['-o', `UserKnownHostsFile=${join(folder.path, 'known_hosts')}`],
    ...['-o', 'StrictHostKeyChecking=accept-new'],
    ...['-o', 'IdentityAgent=none'],
    ...['-o', 'NumberOfPasswordPrompts=1'],
  ]
  const askpass = join(folder.path, 'askpass')
  writeFileSync(askpass, '#!/bin/sh\necho "$SLUICE_TEST_SECRET"\n', { mode: 0o700 })
  const password = (secret: string) => ({
    ...process.env,
    SSH_ASKPASS: askpass,
    SSH_ASKPASS_REQUIRE: 'force',
    SLUICE_TEST_SECRET: secret,
  })
  const stop = async () => {
    await gateway.stop()
    folder.remove()
  }
  return {
    gateway,
    port: gateway.ssh,
    folder: folder.path,
    options: sshOptions,
    password,
    ssh: (principal, args, input) =>
      run(['ssh', ...sshOptions, ...args], {
        env: password(gateway.token(principal)),
        timeout_ms: 30_000,
        ...(input !== undefined && { input }),
      }),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
