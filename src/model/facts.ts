import type { EffectSet } from './effects.ts'

/** What is known of one SQL message, for rule conditions (`op.facts.*`). Lists are sorted and without repeats. */
export interface SqlFacts {
  readonly kind: 'sql'
  readonly dialect: 'postgres' | 'mysql'
  readonly database: string
  /** Statements in the message. */
  readonly statements: number
  /** Command tags the server would answer with: 'SELECT', 'DELETE', 'CREATE TABLE'. */
  readonly tags: readonly string[]
  /** Functions called that are not on the known-safe list, qualified where known. */
  readonly functions: readonly string[]
  /** Relations by what is done to them, `schema.name`. */
  readonly tables: { readonly read: readonly string[]; readonly written: readonly string[] }
  /** Columns read, `schema.table.column`. */
  readonly columns: readonly string[]
  /** Labels of everything read. */
  readonly labels: readonly string[]
  /**
   * Labels of columns used in predicates, ordering, grouping and joins, and in expressions that fail for some values: inference that masking
   * cannot close.
   */
  readonly filters: readonly string[]
  /** False when an UPDATE or DELETE has no WHERE. */
  readonly hasWhere: boolean
  /** True when some WHERE of an UPDATE or DELETE holds for every row (`WHERE true`, `1=1`). */
  readonly vacuousWhere: boolean
  /** Settings changed, lower case. */
  readonly settings: readonly string[]
  /** Transaction control in the message: 'begin', 'commit', 'rollback', 'savepoint', 'prepare'. */
  readonly transaction: readonly string[]
}

/** One simple command of a command line, wherever it stands: in a pipe, a substitution, `sh -c`, behind `sudo`. */
export interface ShellCommand {
  /** Its name without the folder: `rm` for `/bin/rm`; `''` when what runs is not known. */
  readonly program: string
  /** The name as written, `/bin/rm`. */
  readonly name: string
  /** Arguments without quotes. A word that is known only when it runs is kept as written (`$HOME/x`), and `literal` is false. */
  readonly arguments: readonly string[]
  /** True when every word is known as it stands. */
  readonly literal: boolean
  readonly effects: EffectSet
  /** The commands and constructs it runs behind, outermost first: `['sudo', 'sh -c']`. */
  readonly within: readonly string[]
  /** Why its effects are not known; `''` when they are. */
  readonly unknown: string
}

/** What is known of one command line, for rule conditions (`op.facts.*`). Lists but `commands` are sorted and without repeats. */
export interface ShellFacts {
  readonly kind: 'shell'
  /** Simple commands found. */
  readonly statements: number
  readonly commands: readonly ShellCommand[]
  /** Programs by name without the folder; `''` stands for one that is not known. */
  readonly programs: readonly string[]
  /** Every argument of every command. */
  readonly arguments: readonly string[]
  /**
   * Files by what is done to them; `?` stands for one that is not known, `*` for any part of a name, `**` for any folders: `/etc/**` is
   * `/etc` with all that is in it. Relative names are relative to the folder the session starts in. A name with `..` in it is told twice:
   * as it reads, and as `**` with what follows, since what lies above a link is not known.
   */
  readonly paths: {
    /** Files and folders of which only names, kinds and sizes are read. */
    readonly listed: readonly string[]
    readonly read: readonly string[]
    readonly written: readonly string[]
    readonly deleted: readonly string[]
    readonly executed: readonly string[]
  }
  /** Hosts it connects to; `?` stands for one that is not known. */
  readonly hosts: readonly string[]
  /** Accounts it becomes (`sudo -u deploy`); `?` stands for one that is not known. */
  readonly users: readonly string[]
  /** Variables it sets. */
  readonly variables: readonly string[]
  /** What the line is made of beyond plain commands: `pipe`, `list`, `substitution`, `redirect`, `glob` … */
  readonly constructs: readonly string[]
  /** Why something is unknown, each reason once. */
  readonly reasons: readonly string[]
  /** Labels of everything read. */
  readonly labels: readonly string[]
}

/** What is known of one operation on files, for rule conditions. */
export interface FileFacts {
  readonly kind: 'file'
  readonly statements: 1
  /** The protocol that moves them. */
  readonly transfer: 'sftp' | 'scp' | 'rsync' | 'git'
  /** Names by what is done to them. By sftp: absolute, as asked for and as the server resolves them; by the others: as asked for, from `/` or `~`. */
  readonly paths: Omit<ShellFacts['paths'], 'listed'>
  readonly labels: readonly string[]
}

/** Where an address lies, judged after its name was resolved; `unresolved` for a name the gateway does not know, `socket` for a path, `''` for none. */
export type Network =
  | 'metadata'
  | 'link-local'
  | 'loopback'
  | 'private'
  | 'public'
  | 'special'
  | 'unresolved'
  | 'socket'
  | ''

/** What is known of a request of the connection itself: a forward, a terminal, a variable, a subsystem. */
export interface ChannelFacts {
  readonly kind: 'channel'
  readonly statements: 1
  /** Hosts and addresses it reaches, or listens on: as asked for, and resolved. */
  readonly hosts: readonly string[]
  /** 0 when it has none. */
  readonly port: number
  readonly network: Network
  /** Variables it sets. */
  readonly variables: readonly string[]
  readonly labels: readonly string[]
}

/** What is known of an operation, by `kind`. */
export type Facts = SqlFacts | ShellFacts | FileFacts | ChannelFacts

/** History and state of the session a rule may ask about (`session.*`). */
export interface SessionFacts {
  readonly id: string
  /** Labels this session has already read. */
  readonly labelsRead: readonly string[]
  /** Operations so far, the one being decided included. */
  readonly operations: number
  readonly rows: number
  readonly bytes: number
  readonly inFlight: number
}
