/** The import table of the house: which folder of `src` may import which, and what it may touch. */
export interface Border {
  /** Folders (or single files, ending in .ts) under src. The folder itself is always allowed. */
  readonly may: readonly string[]
  /** What to do instead, the end of the sentence a failure prints. */
  readonly instead: string
  /** Built-in modules that are out of bounds. `all` closes every one of them. */
  readonly closed?: readonly string[] | 'all'
}

const ANALYSERS = ['sql', 'shell', 'masking']
const PURE = 'it is pure: no clock, no randomness, no I/O. Take what you need as an argument.'
const SERVICE =
  'a service never imports another one: declare what you need in model/ports.ts and let serve.ts hand it in.'

const service: Border = { may: ['kit', 'model', 'store'], instead: SERVICE }

/** Key: the folder under src; `protocols/*` is one protocol's folder. */
export const BORDERS: Readonly<Record<string, Border>> = {
  kit: {
    may: [],
    instead: 'kit knows no domain word: move the code to the folder whose word it is, or pass the value in.',
    closed: ['node:net', 'node:fs', 'node:http', 'node:tls', 'node:child_process'],
  },
  model: {
    may: ['kit'],
    instead: 'model holds words and ports only: put behaviour in the service and its signature in model/ports.ts.',
    closed: 'all',
  },
  policy: { may: ['kit', 'model'], instead: PURE },
  masking: { may: ['kit', 'model'], instead: PURE },
  sql: { may: ['kit', 'model'], instead: PURE },
  shell: { may: ['kit', 'model'], instead: PURE },
  'protocols/*': {
    may: ['kit', 'model', 'protocols/contract.ts', ...ANALYSERS],
    instead:
      'a protocol meets the world through its Gate and Session (protocols/contract.ts); add to the contract what is missing.',
    closed: ['node:net', 'node:fs', 'node:http', 'node:child_process'],
  },
  store: {
    may: ['kit', 'model'],
    instead: 'the store holds repositories, one file per noun: move the decision into the service that calls it.',
  },
  identity: service,
  approval: service,
  transcript: service,
  ledger: service,
  vault: service,
  tunnel: service,
  engine: {
    may: ['kit', 'model', 'protocols/contract.ts'],
    instead: 'everything but sockets reaches the engine through model/ports.ts.',
  },
  api: {
    may: ['kit', 'model', 'policy', 'identity', 'approval', 'transcript', 'ledger', 'vault', 'tunnel', 'store'],
    instead: 'the API is a thin skin over services: put the work into a service and call that.',
  },
  setup: {
    may: ['kit', 'model', 'policy', 'sql', 'shell', 'ledger', 'api/services.ts'],
    instead:
      'setup reads what a start needs (settings, certificate, policy folder); what uses it is put together in serve.ts.',
  },
  cli: {
    may: ['kit', 'cli', 'api/client.ts'],
    instead: 'a verb is a thin client of the API: add a route and call it.',
  },
}

/** A protocol that stands on another. */
export const PARENTS: Readonly<Record<string, string>> = { kubernetes: 'http', mcp: 'http' }

/** Composition roots: the only files that know everyone. */
export const ROOTS = ['serve.ts', 'connector.ts', 'main.ts']

/**
 * Borders crossed on purpose, each with its reason. Key: `file -> folder or module`. A line nobody needs any more fails the test.
 */
export const CROSSINGS: Readonly<Record<string, string>> = {
  ...offline('cli/audit/checkpoint.ts', 'ledger'),
  ...offline('cli/audit/export.ts', 'ledger', 'model'),
  ...offline('cli/audit/verify.ts', 'ledger'),
  ...offline('cli/policy/analyse.ts', 'policy', 'shell', 'sql'),
  ...offline('cli/policy/cases.ts', 'policy'),
  ...offline('cli/policy/check.ts', 'policy'),
  ...offline('cli/policy/explain.ts', 'model', 'policy'),
  ...offline('cli/policy/files.ts', 'policy'),
  ...offline('cli/policy/named-files.ts', 'policy'),
  ...offline('cli/policy/print.ts', 'policy'),
  ...offline('cli/policy/problems.ts', 'policy'),
  ...offline('cli/policy/schema.ts', 'policy'),
  ...offline('cli/policy/tables.ts', 'model', 'policy'),
}

function offline(file: string, ...folders: readonly string[]): Record<string, string> {
  const reason = 'reads policy files or a ledger where no gateway runs'
  return Object.fromEntries(folders.map((folder) => [`${file} -> ${folder}`, reason]))
}

/** Pure folders may not reach the world, by these modules or globals. */
export const PURE_FOLDERS = ['policy', 'masking', 'sql', 'shell', 'model']
export const WORLD_GLOBALS =
  /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|setTimeout|setInterval|fetch(?=\()|process\.(env|hrtime|std\w+))\b/
