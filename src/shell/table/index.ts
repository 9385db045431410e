import { type CommandSpec, specsByName } from '../spec.ts'
import { BUILTINS } from './builtins.ts'
import { FILES } from './files.ts'
import { NETWORK } from './network.ts'
import { SYSTEM } from './system.ts'
import { TEXT } from './text.ts'
import { TOOLS } from './tools.ts'
import { WRAPPERS } from './wrappers.ts'

const SPECS = specsByName({
  ...BUILTINS,
  ...FILES,
  ...TEXT,
  ...SYSTEM,
  ...NETWORK,
  ...WRAPPERS,
  ...TOOLS,
})

/** Every command known without a policy's help, by name. */
export const TABLE: ReadonlyMap<string, CommandSpec> = new Map(
  [...SPECS].map(([name, spec]) => [name, { ...spec, usual: true }]),
)
