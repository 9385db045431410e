import { mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '../../api/client.ts'
import { answerOf } from '../context.ts'
import type { ListedResource } from '../resources.ts'
import { startRunAgent } from './ssh-agent.ts'
import { listenerOf, type Run, type Surroundings } from './surroundings.ts'

/** Programs that read ssh's configuration: each is called with the run's in front of the caller's own. */
const CLIENTS = ['ssh', 'scp', 'sftp'] as const

/**
 * A configuration with a host per resource, and an agent that holds a key made for the run, certified by the gateway for the run's token. The
 * key is in memory alone.
 */
export async function sshSurroundings(run: Run, resources: readonly ListedResource[]): Promise<Surroundings> {
  const { context, folder, token } = run
  const api = createClient({ url: context.profile.api, token }).api.v1
  const { knownHosts, authority } = await answerOf(api.ssh.$get())
  const alias = /^@cert-authority \[?([^\],\s]+)/.exec(knownHosts)?.[1] ?? 'sluice'
  const hosts = join(folder, 'known_hosts')
  writeFileSync(hosts, `@cert-authority ${alias} ${authority}\n`, { mode: 0o600 })
  const agent = await startRunAgent({
    path: join(folder, 'agent'),
    certify: (publicKey, ttl_ms) => answerOf(api.ssh.certificates.$post({ json: { publicKey, ttl_ms } })),
    said: run.said,
  })
  const config = join(folder, 'ssh_config')
  const entries = resources.map((resource) => {
    const { host, port } = listenerOf(context, resource)
    const lines = [
      `HostName ${host}`,
      `Port ${port}`,
      `User ${resource.name}`,
      `HostKeyAlias ${alias}`,
      `UserKnownHostsFile ${hosts}`,
      'StrictHostKeyChecking yes',
      `IdentityAgent ${agent.path}`,
      'IdentityFile none',
      'PreferredAuthentications publickey',
      'ControlMaster no',
      'ForwardAgent no',
    ]
    return [`Host ${resource.name}`, ...lines.map((line) => `  ${line}`)].join('\n')
  })
  const own = [join(homedir(), '.ssh', 'config'), '/etc/ssh/ssh_config'].map((path) => `Include ${path}`)
  writeFileSync(config, `${entries.join('\n\n')}\n\nHost *\n${own.map((line) => `  ${line}`).join('\n')}\n`, {
    mode: 0o600,
  })
  const path = join(folder, 'bin')
  mkdirSync(path, { mode: 0o700 })
  for (const client of CLIENTS) writeFileSync(join(path, client), shim(client, path, config), { mode: 0o700 })
  return {
    env: { SLUICE_SSH_CONFIG: config },
    path,
    told: resources.map(({ name }) => `${name}: ssh ${name} (or ssh -F "$SLUICE_SSH_CONFIG" ${name})`),
    close: () => agent.close(),
  }
}

/** The real program, found past this folder, with the run's configuration. */
function shim(client: string, folder: string, config: string): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
  return `#!/bin/sh
# Written by \`sluice run\`; gone when it ends.
here=${quoted(folder)}
IFS=:
for place in $PATH; do
  [ "$place" != "$here" ] && [ -x "$place/${client}" ] && exec "$place/${client}" -F ${quoted(config)} "$@"
done
echo '${client}: not found' >&2
exit 127
`
}
