/** What went wrong for others over SSH, against a real sshd: each is refused or held and changes nothing, and its harmless twin passes. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mustRun } from '../rig/child.ts'
import { sftp } from '../rig/ssh-clients.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { type Sshd, sshdMissing, startSshd } from '../rig/sshd.ts'

/** The shipped pack, and files read within one folder. */
const POLICY = `
kind: Agent
name: bot
owner: ops
---
kind: Human
name: ada
groups: [sre]
---
kind: Rule
name: files-are-read
who: principal.kind == "agent"
on: true
when: (op.verb == "subsystem" && op.text == "sftp") || (op.facts.kind == "file" && op.only(["read", "session", "export"]))
then: allow
---
kind: Rule
name: removing-asks
who: principal.kind == "agent"
on: true
when: op.facts.kind == "file" && op.has("delete")
then: approve
approve: { by: [group:sre], hold: 100ms, expires: 5m }
---
${readFileSync(join(import.meta.dirname, '../../policies/agents-shell.yaml'), 'utf8').replaceAll('hold: 45s', 'hold: 100ms')}`

interface Incident {
  readonly name: string
  /** D is the folder of precious things. */
  readonly attack: string
  readonly twin: string
  readonly shows: RegExp
}

const INCIDENTS: readonly Incident[] = [
  {
    name: 'an agent tears the infrastructure down',
    attack: 'cd D && terraform destroy -auto-approve',
    twin: 'cat D/main.tf',
    shows: /resource/,
  },
  {
    name: 'the home folder removed, hidden in sh -c',
    attack: `sh -c 'rm -rf D/ ~/nothing-there'`,
    twin: `sh -c 'ls D/'`,
    shows: /ledger\.db/,
  },
  { name: 'in a here-string', attack: 'bash <<< "rm -rf D"', twin: 'wc -l <<< "rm -rf D"', shows: /1/ },
  { name: 'in a substitution', attack: 'echo done $(rm -rf D)', twin: 'echo done $(ls D)', shows: /ledger\.db/ },
  { name: 'behind a newline', attack: 'ls D\nrm -rf D', twin: 'ls D\nls -a D', shows: /ledger\.db/ },
  {
    name: 'as base64 into a shell',
    attack: `echo ${Buffer.from('rm -rf D').toString('base64')} | base64 -d | sh`,
    twin: `echo ${Buffer.from('rm -rf D').toString('base64')} | base64 -d`,
    shows: /rm -rf/,
  },
  {
    name: 'as an alias of git',
    attack: `git -c alias.tidy='!rm -rf D' tidy`,
    twin: 'git --version',
    shows: /git version/,
  },
  {
    name: 'in a program given to python',
    attack: `python3 -c 'import shutil; shutil.rmtree("D")'`,
    twin: 'head -1 D/main.tf',
    shows: /resource/,
  },
  { name: 'by find', attack: 'find D -type f -delete', twin: 'find D -type f', shows: /ledger\.db/ },
  { name: 'through xargs', attack: 'ls -d D | xargs rm -rf', twin: 'ls D | sort', shows: /ledger\.db/ },
  { name: 'by overwriting', attack: 'cat /dev/null > D/ledger.db', twin: 'cat D/ledger.db', shows: /entry/ },
  { name: 'as somebody else', attack: 'sudo rm -rf D', twin: 'id -un', shows: /\w/ },
]

describe.skipIf(sshdMissing)('incidents over SSH', () => {
  let sshd: Sshd
  let stage: SshGateway
  let folder: string
  beforeAll(async () => {
    sshd = await startSshd()
    stage = await startSshGateway({ target: sshd, policy: POLICY })
    folder = join(sshd.home, 'precious')
  })
  afterAll(async () => {
    await stage?.stop()
    await sshd?.stop()
  })
  beforeEach(async () => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'main.tf'), 'resource "database" "customers" {}\n')
    writeFileSync(join(folder, 'ledger.db'), 'entry\n')
    await mustRun(['chmod', '-R', 'a+rwX', folder])
  })
  const untouched = () => ['main.tf', 'ledger.db'].map((name) => readFileSync(join(folder, name), 'utf8').length)

  test.each(INCIDENTS)('$name', async ({ attack, twin, shows }) => {
    const run = (line: string) => stage.ssh('agent:bot', ['web-1@127.0.0.1', line.replaceAll('D', folder)])
    const before = untouched()
    const done = await run(attack)
    expect([77, 126], done.stdout + done.stderr).toContain(done.status)
    expect(done.stderr).toMatch(/"status":"(?:denied|pending)"/)
    expect([existsSync(folder), untouched()]).toEqual([true, before])
    const harmless = await run(twin)
    expect(harmless.status, harmless.stderr).toBe(0)
    expect(harmless.stdout).toMatch(shows)
  })

  test('files removed by sftp wait for a person; listing and reading them does not', async () => {
    const done = await sftp(stage, 'agent:bot', [`rm ${folder}/ledger.db`])
    expect(done.status).not.toBe(0)
    expect(done.stderr).toContain('"status":"pending"')
    expect(existsSync(join(folder, 'ledger.db'))).toBe(true)
    const twin = await sftp(stage, 'agent:bot', [`ls ${folder}`, `get ${folder}/ledger.db ${stage.folder}/copy`])
    expect(twin, twin.stderr).toMatchObject({ status: 0 })
    expect(readFileSync(join(stage.folder, 'copy'), 'utf8')).toBe('entry\n')
  })
})
