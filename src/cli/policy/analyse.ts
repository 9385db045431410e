import type { Analyse, CompiledPolicy } from '../../policy/index.ts'
import { shellFor } from '../../shell/shell.ts'
import { PostgresSql, SessionMirror } from '../../sql/postgres.ts'
import { CommandFailure, EXIT } from '../exit.ts'
import { catalogueOf, type Tables } from './tables.ts'

/**
 * Analyses command lines for SSH, and statements as the first of a fresh session on a server of that version, over these tables. Throws CommandFailure
 * for a version there is no grammar of.
 */
export async function createAnalyser(policy: CompiledPolicy, tables: Tables, version: string): Promise<Analyse> {
  const major = Number(version)
  if (!/^1[3-8]$/.test(version))
    throw new CommandFailure(
      `There is no PostgreSQL grammar of version "${version}".`,
      EXIT.usage,
      'Write one of 13 to 18.',
    )
  const sql = await PostgresSql.load(major)
  const catalogues = new Map<string, ReturnType<typeof catalogueOf>>()
  return async (text, resource) => {
    if (resource.protocol === 'ssh') return shellFor(policy.commands).read(text)
    const database = resource.database ?? 'postgres'
    if (!catalogues.has(database)) catalogues.set(database, catalogueOf(tables, { database, major }))
    const parsed = text.length > 65_536 ? await sql.parseLarge(text) : sql.parse(text)
    const context = {
      catalogue: catalogues.get(database),
      labels: policy.labels(resource),
      database,
      mirror: new SessionMirror(),
    }
    return sql.resolve(parsed, context).operation
  }
}
