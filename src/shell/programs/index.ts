import type { Effect } from '../../model/effects.ts'
import type { Call } from '../call.ts'
import { type CommandSpec, commandSpec } from '../spec.ts'
import { readAwk } from './awk.ts'
import { readDate, readDd } from './dd.ts'
import { readAlias, readDeclare, readSet, readShopt, readTestCommand, readUnset } from './declare.ts'
import { readGit } from './git.ts'
import {
  readCrontab,
  readDiff,
  readIp,
  readJq,
  readMan,
  readNginx,
  readPager,
  readService,
  readStrings,
  readSysctl,
} from './looking.ts'
import { readGetent, readPs } from './processes.ts'
import { readRsync, readScp, readSsh } from './remote.ts'
import { readSed } from './sed.ts'
import {
  readApplet,
  readCommandBuiltin,
  readEval,
  readExec,
  readInterpreter,
  readOpaque,
  readShell,
  readSource,
  readTrap,
  readWatch,
} from './shells.ts'
import { readTar } from './tar.ts'
import { readCurl, readWget } from './transfer.ts'
import { readEnv, readFind, readSu, readSudo, readXargs } from './wrappers.ts'

const READERS: readonly (readonly [names: string, effects: readonly Effect[], read: (call: Call) => void])[] = [
  ['sh bash dash ash ksh ksh93 mksh zsh rbash', [], readShell],
  ['eval', [], readEval],
  ['trap', [], readTrap],
  ['exec', [], readExec],
  ['command builtin', [], readCommandBuiltin],
  ['watch', [], readWatch],
  ['busybox toybox', [], readApplet],
  ['env', [], readEnv],
  ['sudo doas', [], readSudo],
  ['su runuser', [], readSu],
  ['xargs', [], readXargs],
  ['find', [], readFind],
  ['sed gsed', [], readSed],
  ['awk gawk mawk nawk', [], readAwk],
  ['tar gtar bsdtar', [], readTar],
  ['date', [], readDate],
  ['dd', [], readDd],
  ['git', [], readGit],
  ['ps', [], readPs],
  ['getent', [], readGetent],
  ['jq', [], readJq],
  ['strings', [], readStrings],
  ['less more', [], readPager],
  ['man', [], readMan],
  ['crontab', [], readCrontab],
  ['ip', [], readIp],
  ['sysctl', [], readSysctl],
  ['nginx', [], readNginx],
  ['diff', [], readDiff],
  ['service', [], readService],
  ['source .', [], readSource],
  ['ssh', ['connect'], readSsh],
  ['scp', ['connect'], readScp],
  ['rsync', [], readRsync],
  ['curl', [], readCurl],
  ['wget', [], readWget],
  ['export declare typeset local readonly', [], readDeclare],
  ['set', [], readSet],
  ['shopt', [], readShopt],
  ['unset', [], readUnset],
  ['alias', [], readAlias],
  ['test [', [], readTestCommand],
  [
    'python python2 python3 perl ruby node nodejs deno bun php lua luajit Rscript R tclsh wish expect osascript java jshell groovy scala ghci erl elixir iex guile sbcl swift go cargo make cmake ninja npm npx yarn pnpm pip pip3 gem bundle gdb fish csh tcsh pwsh nu elvish xonsh ansible ansible-playbook',
    [],
    readInterpreter,
  ],
  [
    'let vi vim nvim view rvim ex ed emacs nano most info mysql mariadb psql sqlite3 redis-cli mongo mongosh sqlplus screen tmux script scriptreplay strace ltrace parallel sftp lftp chroot nsenter unshare setpriv capsh systemd-run systemd-nspawn at batch mail mailx sendmail mutt sudoedit visudo crontab-e aws gcloud az',
    [],
    readOpaque,
  ],
]

/** Programs whose words no table describes. */
export const PROGRAMS: ReadonlyMap<string, CommandSpec> = new Map(
  READERS.flatMap(([names, effects, read]) => {
    const spec = commandSpec({ effects }, read)
    return names.split(' ').map((name) => [name, spec] as const)
  }),
)
