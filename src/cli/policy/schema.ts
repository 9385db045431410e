import { documentSchema, KINDS, policySchemas } from '../../policy/index.ts'
import { CommandFailure, EXIT } from '../exit.ts'

/** Prints the JSON Schema of one kind of document, or of any. */
export function printSchema(kind: string | undefined): void {
  process.stdout.write(`${JSON.stringify(kind === undefined ? documentSchema() : schemaOf(kind), null, 2)}\n`)
}

function schemaOf(kind: string): object {
  const known = KINDS.find((each) => each.toLowerCase() === kind.toLowerCase())
  if (known === undefined)
    throw new CommandFailure(`There is no kind "${kind}".`, EXIT.usage, `Write one of ${KINDS.join(', ')}.`)
  return policySchemas()[known]
}
