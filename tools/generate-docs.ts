/** Writes the references that have one source in the code. `--check` only compares. test/tidy.test.ts fails when one has drifted. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { createProgram } from '../src/cli/program.ts'
import { CATALOGUE, type CatalogueEntry } from '../src/kit/catalogue.ts'
import { documentSchema, TYPES, VARIABLES } from '../src/policy/index.ts'

export interface GeneratedDocument {
  /** From the repository's root. */
  readonly path: string
  readonly text: string
}

/** Every generated reference, as its source says it now. */
export async function generatedDocuments(): Promise<GeneratedDocument[]> {
  return [
    { path: 'docs/errors.md', text: errors() },
    { path: 'docs/cli.md', text: commandLine() },
    { path: 'docs/policy-facts.md', text: policyFacts() },
    { path: 'docs/policy-schema.json', text: `${JSON.stringify(documentSchema(), null, 2)}\n` },
  ]
}

function errors(): string {
  const head = `# Error codes

Generated from \`src/kit/catalogue.ts\`. A refusal names its code in the DETAIL's JSON (\`code\`) and the remedy in the HINT.

| Code | What it means | What to do |
|---|---|---|
`
  const rows = Object.entries<CatalogueEntry>(CATALOGUE).map(
    ([code, { message, remedy }]) => `| \`${code}\` | ${cell(message)} | ${cell(remedy)} |\n`,
  )
  return head + rows.join('')
}

function policyFacts(): string {
  const head = `# What a condition can read

Generated from \`src/policy/cel/vocabulary.ts\`. Conditions are CEL, checked when the policy is loaded: \`who\` sees \`principal\`, \`on\` sees
\`resource\`, \`when\` sees everything. \`op.has("delete")\` asks for any of one or several effects, \`op.only(["read", "session"])\` for nothing
beyond; \`unknown\` never passes \`only\`. \`op.mayRead(["/etc/shadow", "**/.ssh/**"])\` asks whether a file of these names may be read: by a pattern, with a
folder above it, or under a name nobody knows; a second list names folders below which a name that starts with \`**/\` counts only where it is written
out. \`matches\` takes RE2 patterns, written out.

| Variable | Type |
|---|---|
`
  const variables = Object.entries(VARIABLES).map(
    ([name, type]) => `| \`${name}\` | ${type.replace(/^google.*\./, '')} |\n`,
  )
  const types = Object.entries(TYPES).map(([name, { fields }]) => {
    const rows = Object.entries(fields).map(([field, [type, holds]]) => `| \`${field}\` | ${type} | ${cell(holds)} |\n`)
    return `\n## ${name}\n\n| Field | Type | Holds |\n|---|---|---|\n${rows.join('')}`
  })
  return head + variables.join('') + types.join('')
}

function commandLine(): string {
  const head = `# The command line

Generated from \`src/cli/\`. Every verb takes \`--json\`. Exit codes: 0 done, 1 failed, 2 a mistake in the command, 3 refused, 4 not there, 77 waiting
for approval.

Options of every verb:

`
  const program = createProgram({ version: '', serve: async () => {} })
  const shared = program.options
    .filter((option) => option.short !== '-V')
    .map((option) => `- \`${option.flags}\`: ${option.description}\n`)
    .join('')
  const told = (command: Command, name: string): string => {
    if (command.commands.length > 0 && command.parent === null)
      return command.commands.map((inner) => told(inner, `${name} ${inner.name()}`)).join('')
    const help: string[] = []
    command
      .configureOutput({ writeOut: (text) => help.push(text), getOutHelpWidth: () => 110 })
      .configureHelp({ showGlobalOptions: false })
      .outputHelp()
    return `\n## ${name}\n\n\`\`\`text\n${help.join('').trim()}\n\`\`\`\n${command.commands.map((inner) => told(inner, `${name} ${inner.name()}`)).join('')}`
  }
  return head + shared + told(program, 'sluice')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..')
  const check = process.argv.includes('--check')
  for (const { path, text } of await generatedDocuments()) {
    if (!check) writeFileSync(join(root, path), text)
    else if (readFileSync(join(root, path), 'utf8') !== text) {
      console.error(`${path} has drifted: run \`node_modules/.bin/node tools/generate-docs.ts\`.`)
      process.exitCode = 1
    }
  }
}
