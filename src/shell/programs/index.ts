import type { Call } from '../call.ts'
import { type CommandSpec, commandSpec } from '../spec.ts'

function program(...[effects, read]: readonly [Parameters<typeof commandSpec>[0]['effects'], (call: Call) => void]) {
  return commandSpec({ effects }, read)
}

/** Programs whose words no table describes. */
export const PROGRAMS: ReadonlyMap<string, CommandSpec> = new Map<string, CommandSpec>([])
void program
