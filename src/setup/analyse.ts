import { SluiceError } from '../kit/errors.ts'
import type { LabelIndex } from '../model/catalogue.ts'
import type { CommandTable } from '../model/commands.ts'
import type { Resource } from '../model/resource.ts'
import { shellFor } from '../shell/shell.ts'
import { PostgresSql, SessionMirror } from '../sql/postgres.ts'
import type { AnalyseText } from './policy-service.ts'

/** The newest grammar: a question comes without a server that could say its version. */
const MAJOR = 18
/** Characters from which a text is parsed off the event loop. */
const LARGE = 65_536

/**
 * Analyses a text as a fresh session would, without asking the target: names stand for what they say, and since nobody knows what a table
 * holds, every label is possible. What a session decides with the catalogue at hand is never stricter.
 */
export function textAnalyser(
  labels: (resource: Resource) => LabelIndex,
  commands: () => CommandTable | undefined,
): AnalyseText {
  return async (text, resource, database) => {
    if (resource.protocol === 'ssh') return shellFor(commands()).read(text)
    if (resource.protocol !== 'postgres')
      throw new SluiceError('api.invalid', `nothing analyses ${resource.protocol} yet`)
    const sql = await PostgresSql.load(MAJOR)
    const context = {
      catalogue: undefined,
      labels: labels(resource),
      database: database ?? resource.database ?? '',
      mirror: new SessionMirror(),
    }
    return sql.resolve(text.length > LARGE ? await sql.parseLarge(text) : sql.parse(text), context).operation
  }
}
