import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { type Dialect, SqliteDialect } from 'kysely'
import { SluiceError } from '../kit/errors.ts'

/** How long a writer waits for another process's transaction before it gives up. It waits with the whole process. */
const BUSY_MS = 1_000

/**
 * A kysely dialect over node:sqlite. The file and its folder are readable by their owner only.
 * Throws SluiceError `store.unavailable` when the file cannot be opened, and from every query that fails.
 */
export function sqliteDialect(path: string): Dialect {
  const database = refusing(() => openDatabase(path))
  return new SqliteDialect({
    database: {
      close: () => database.close(),
      prepare: (sql) => prepare(database, sql),
    },
  })
}

function openDatabase(path: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  // SQLite gives its -wal and -shm files the mode of the main file, so that one is made first.
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
  const database = new DatabaseSync(path, { timeout: BUSY_MS, enableForeignKeyConstraints: true })
  // FULL: a consumed approval must be on disk before its operation is forwarded, or a power cut would offer it twice.
  patiently(() => database.exec('pragma journal_mode = wal'))
  database.exec('pragma synchronous = full; pragma trusted_schema = off')
  return database
}

/** SQLite does not wait by itself where several switch a new file to WAL at once: it says SQLITE_BUSY, whatever the timeout. */
function patiently(work: () => void): void {
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (const end = Date.now() + BUSY_MS; ; Atomics.wait(pause, 0, 0, LOOK_MS)) {
    try {
      return work()
    } catch (error) {
      const code = (error as { errcode?: number }).errcode ?? 0
      // The low byte is the error, the rest says where it arose.
      if ((code & 0xff) !== SQLITE_BUSY || Date.now() > end) throw error
    }
  }
}

const LOOK_MS = 5
const SQLITE_BUSY = 5

/** kysely expects better-sqlite3's statements; node:sqlite's differ in taking parameters spread, and in telling readers by their columns. */
function prepare(database: DatabaseSync, sql: string) {
  // A deferred transaction that reads first cannot be upgraded once another process has written: take the write lock at once.
  const statement = refusing(() => database.prepare(sql === 'begin' ? 'begin immediate' : sql))
  return {
    reader: statement.columns().length > 0,
    all: (values: readonly unknown[]) => refusing(() => statement.all(...(values as SQLInputValue[]))),
    run: (values: readonly unknown[]) => refusing(() => statement.run(...(values as SQLInputValue[]))),
    iterate: (values: readonly unknown[]) => statement.iterate(...(values as SQLInputValue[])),
  }
}

function refusing<T>(work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw new SluiceError('store.unavailable', cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
