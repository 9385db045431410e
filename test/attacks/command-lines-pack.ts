/** What the rule pack `agents-shell` decides of an agent's command lines. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Principal } from '../../src/model/principal.ts'
import { compilePolicy } from '../../src/policy/index.ts'
import { shellFor } from '../../src/shell/shell.ts'

const RESOURCE = `
kind: Resource
name: web-1
protocol: ssh
address: 127.0.0.1:22
hostKeys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtWTZ1bJ0WQXk3pV0bM1mJ7zP8C7K3lJ2m9nR4f0aBc]
users: [{ name: app, certificate: true }]
`
const AGENT: Principal = { kind: 'agent', id: 'agent:bot', name: 'bot', groups: [], claims: {}, credential: 't' }
export const PACK = readFileSync(join(import.meta.dirname, '../../policies/agents-shell.yaml'), 'utf8')

/** The outcome of a line under these documents. */
export function outcomes(...texts: readonly string[]): (line: string) => string {
  const policy = compilePolicy([{ path: 'policy.yaml', text: [RESOURCE, ...texts].join('\n---\n') }])
  const session = { id: 's', labelsRead: [], operations: 1, rows: 0, bytes: 0, inFlight: 0 }
  const resource = policy.resource('web-1')!
  return (line) => {
    const operation = shellFor(policy.commands).read(line)
    return policy.decide({ principal: AGENT, resource, operation, call: { text: line }, session, now_ms: 0 }).outcome
  }
}
