import { effects } from '../../model/effects.ts'
import { type Argument, literal, unknownWord } from '../argument.ts'
import type { Call } from '../call.ts'
import { takeOptions } from '../options.ts'
import { giveRole } from '../role.ts'
import { commandSpec } from '../spec.ts'
import { giveJoined } from './shells.ts'
import { takeLeading } from './wrappers.ts'

const CONNECT = effects('connect')
const EXPORT = effects('export')
const IMPORT = effects('import')
const TUNNEL = effects('connect', 'import', 'export')
/** `-o` settings that run nothing and open nothing. */
const SETTING =
  /^(StrictHostKeyChecking|BatchMode|ConnectTimeout|ConnectionAttempts|LogLevel|ServerAliveInterval|ServerAliveCountMax|TCPKeepAlive|Port|User|PasswordAuthentication|PreferredAuthentications|PubkeyAuthentication|IdentitiesOnly|RequestTTY|AddressFamily|Compression|UpdateHostKeys|HashKnownHosts|NumberOfPasswordPrompts)[= ][^\n]*$/i

const SSH = {
  alone: '46CfGgkKnNqsTtVvy',
  valued: 'bBcDeiJLlmopQRWE',
  long: [],
  longValued: [],
}

/** `ssh` within a command line: the host, and the command line it runs there. */
export function readSsh(call: Call): void {
  const { reading } = call.scope
  const taken = takeLeading(call.words, SSH, call)
  if (taken === undefined) return
  const { options, rest } = taken
  for (const [name, value] of taken.each) readSshOption(name, value, call)
  const [host, ...command] = rest
  if (host === undefined) {
    if (!options.has('-V') && !options.has('-Q')) call.unknown('ssh without a host')
    return
  }
  if (!host.literal) call.add(EXPORT)
  reading.host(host.literal ? literal(hostOf(host.text)) : host)
  // Options may stand behind the host as well.
  const more = takeLeading(command, SSH, call)
  if (more === undefined) return
  for (const [name, value] of more.each) readSshOption(name, value, call)
  if (more.rest.length > 0) return giveJoined(more.rest, call)
  if (!options.has('-N') && !options.has('-W')) call.unknown('a shell on another machine')
}

function readSshOption(name: string, value: Argument | undefined, call: Call): void {
  const { reading } = call.scope
  if (name === '-o' && !(value?.literal && SETTING.test(value.text))) call.unknown('a setting of ssh')
  if (/^-[LRDW]$/.test(name)) call.add(TUNNEL)
  if (/^-[LRDW]$/.test(name)) reading.host(unknownWord(''))
  if (name === '-J' && value) reading.host(value.literal ? literal(hostOf(value.text)) : value)
  if (name === '-i' && value) call.add(reading.use(value, 'read'))
  if (name === '-E' && value) call.add(reading.use(value, 'write'))
  if (name === '-s') call.unknown('a subsystem')
}

function hostOf(text: string): string {
  return text
    .replace(/^ssh:\/\//, '')
    .replace(/^[^@]*@/, '')
    .replace(/[:/].*$/, '')
}

const SCP = commandSpec({
  options: {
    '-3 -4 -6 -A -B -C -O -p -q -R -r -s -T -v': 'flag',
    '-c -l -P': 'text',
    '-i': 'read',
    '-o -S -F -D -J -X': 'unknown',
  },
})

/** `scp`: a word with a colon before any slash is on another machine. */
export function readScp(call: Call): void {
  copyBetween(takeOptions(SCP, call), call)
}

const RSYNC = commandSpec({
  options: {
    '-a -v -r -l -p -t -g -o -D -z -n -h -H -A -X -u -c -i -P -q -R -S -W -x -k -L -C -m -y -I -O -J -E -F -4 -6 -0 --archive --verbose --recursive --links --perms --times --compress --dry-run --human-readable --hard-links --update --checksum --itemize-changes --progress --partial --stats --quiet --relative --sparse --whole-file --one-file-system --inplace --append --existing --ignore-existing --size-only --numeric-ids --list-only --copy-links --safe-links --no-perms --no-owner --no-group --mkpath --append-verify --prune-empty-dirs --devices --specials --xattrs --acls --executability --copy-unsafe-links --keep-dirlinks --omit-dir-times --version':
      'flag',
    '--exclude --include --filter -f --timeout --contimeout --bwlimit --max-size --min-size --info --out-format --chmod --chown --compress-level --port --modify-window --block-size --suffix --checksum-choice --compress-choice':
      'text',
    '--files-from': 'index',
    '--exclude-from --include-from --password-file': 'read',
    '--log-file --temp-dir -T --partial-dir --backup-dir --link-dest --compare-dest --copy-dest': 'write',
    '-b --backup': 'flag',
    '--delete --del --delete-before --delete-during --delete-delay --delete-after --delete-excluded --delete-missing-args --remove-source-files --force --ignore-errors':
      { effects: ['delete'] },
    '-e --rsh': 'text',
    '--rsync-path -M --remote-option --daemon --config --read-batch --write-batch --only-write-batch --iconv --sockopts --server --sender':
      'unknown',
  },
})

export function readRsync(call: Call): void {
  const operands = takeOptions(RSYNC, call)
  for (const [at, { text }] of call.words.entries()) {
    const shell = /^(?:-[a-zA-Z]*e|--rsh=?)(.*)$/s.exec(text)
    if (shell === null || (text.startsWith('--') && !text.startsWith('--r'))) continue
    const program = shell[1] || call.words[at + 1]?.text || ''
    if (!/^(ssh|ssh -p [0-9]+)$/.test(program)) call.unknown('the program rsync speaks through')
  }
  copyBetween(operands, call)
}

function copyBetween(operands: readonly Argument[], call: Call): void {
  const { reading } = call.scope
  for (const [at, word] of operands.entries()) {
    const into = operands.length > 1 && at === operands.length - 1
    const remote = /^(?:rsync|scp|sftp):\/\/([^/]+)|^([^/]*?):/.exec(word.literal ? word.text : word.prefix)
    if (remote) {
      // The far side's shell may read the name.
      if (!word.literal || !/^[\w@.:/~+,=%[\]*? -]*$/.test(word.text)) call.unknown('a name another shell may read')
      call.add(CONNECT | (into ? EXPORT : IMPORT))
      giveRole('host', literal(hostOf(remote[1] ?? remote[2] ?? '')), call)
    } else {
      // A word that is not known may name a host.
      if (!word.literal && !/^[./~][^:]*\//.test(word.prefix)) call.add(CONNECT | (into ? EXPORT : IMPORT))
      call.add(reading.use(word, into ? 'write' : 'tree'))
    }
  }
}
