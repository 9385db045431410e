import type { Effect } from './effects.ts'

/**
 * What a word of a command is. `text` means nothing to us; `read`, `write`, `delete` and `execute` name files, and so does `output`,
 * where `-` is the standard output; `tree` is read with all that is in it, of `list` only names, kinds and sizes are, and `index` is a
 * file that names others to read; `url` and `host` are connected to; `user` is an account it becomes; `folder` is where relative names
 * start from then on; `command` is a command from here to the end; `shell` is text a shell reads; `code` is a program in another
 * language; `variable` is the name of a variable.
 */
export const ROLES = [
  'text',
  'read',
  'tree',
  'list',
  'index',
  'write',
  'output',
  'delete',
  'execute',
  'url',
  'host',
  'user',
  'folder',
  'command',
  'shell',
  'code',
  'variable',
] as const
export type Role = (typeof ROLES)[number]

/** `flag`: no value. `maybe`: a value only where attached. A role: it takes a value of that role. `unknown`: not decided. */
export type OptionWord = 'flag' | 'maybe' | 'unknown' | Role
export type OptionDocument =
  | OptionWord
  | {
      readonly takes?: OptionWord | undefined
      readonly effects?: readonly Effect[] | undefined
      /** With it, operands that are read are read with all that is in them. */
      readonly recurses?: boolean | undefined
      /** Given, it stands in place of the first operand: all that follow are of the roles behind. */
      readonly instead?: boolean | undefined
    }

/** What a program does, as the built-in table and policy documents write it. */
export interface CommandDocument {
  /** What it does whatever its options. */
  readonly effects?: readonly Effect[] | undefined
  /** Names that mean the same, separated by blanks (`-o --output`), to what they do. */
  readonly options?: Readonly<Record<string, OptionDocument>> | undefined
  /** Files it reads without being told so, as rules see them. */
  readonly reads?: readonly string[] | undefined
  /** What options are that are not listed. Default `unknown`. */
  readonly otherOptions?: 'harmless' | 'unknown' | undefined
  /** What operands are; the last role holds for all that follow. Default `text`. */
  readonly operands?: Role | readonly Role[] | undefined
  /** What the last operand is, where there are several: `cp a b`. */
  readonly last?: Role | undefined
  /** What it does without operands, instead. */
  readonly bare?: readonly Effect[] | undefined
  /** By the first operand; one that is not listed is unknown. */
  readonly subcommands?: Readonly<Record<string, CommandDocument>> | undefined
}

/** Commands by name; a key may hold several names, separated by blanks. */
export type CommandTable = Readonly<Record<string, CommandDocument>>

/** Programs whose words are read by code, because they run what they are given or hold a language of their own: no table describes them. */
export const READ_BY_CODE: ReadonlySet<string> = new Set(
  [
    'ps getent jq strings less more man crontab ip sysctl nginx service diff date sh bash dash ash ksh ksh93 mksh zsh rbash eval trap exec command builtin watch busybox toybox env sudo doas su',
    'runuser xargs find sed gsed awk gawk mawk nawk tar gtar bsdtar dd git source . ssh scp rsync curl wget export',
    'declare typeset local readonly set shopt unset alias test [ python python2 python3 perl ruby node nodejs deno',
    'bun php lua luajit Rscript R tclsh wish expect osascript java jshell groovy scala ghci erl elixir iex guile',
    'sbcl swift go cargo make cmake ninja npm npx yarn pnpm pip pip3 gem bundle gdb fish csh tcsh pwsh nu elvish',
    'xonsh ansible ansible-playbook let vi vim nvim view rvim ex ed emacs nano most info mysql',
    'mariadb psql sqlite3 redis-cli mongo mongosh sqlplus screen tmux script scriptreplay strace ltrace parallel',
    'sftp lftp chroot nsenter unshare setpriv capsh systemd-run systemd-nspawn at batch mail mailx sendmail mutt',
    'sudoedit visudo crontab-e aws gcloud az',
  ].flatMap((names) => names.split(' ')),
)

/** No command beyond the built-in ones. */
export const NO_COMMANDS: CommandTable = Object.freeze({})
