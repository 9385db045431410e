import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { answerOf, contextOf, named } from './context.ts'
import { CommandFailure, EXIT, principalIdOf } from './exit.ts'
import { formatTable } from './table.ts'

interface AddOptions {
  readonly for?: string
  readonly key: string[]
  readonly name: string
}

/** `sluice client add|list|remove` */
export function registerClientCommands(program: Command): void {
  const client = program.command('client').description('programs that ask for tokens at the token endpoint')
  client
    .command('add')
    .description('register a program; with a public key it gets tokens of a service or agent by private_key_jwt')
    .argument('<id>', 'its client id')
    .option('--for <principal>', 'whom its tokens stand for: service:NAME or agent:NAME')
    .option(
      '--key <file>',
      'a public key (PEM or JWK); may be given several times',
      (file, all: string[]) => [...all, file],
      [],
    )
    .option('--name <text>', 'what it is, for people', '')
    .addHelpText(
      'after',
      `
Examples:
  openssl genpkey -algorithm ed25519 -out export.pem && openssl pkey -in export.pem -pubout -out export.pub
  sluice client add nightly-export --for service:export --key export.pub
`,
    )
    .action(add)
  client
    .command('list')
    .description('programs, newest first')
    .addHelpText('after', '\nExample:\n  sluice client list\n')
    .action(list)
  client
    .command('remove')
    .description('remove a program; tokens it has hold until they end')
    .argument('<id>', 'its client id')
    .addHelpText('after', '\nExample:\n  sluice client remove nightly-export\n')
    .action(remove)
}

async function add(id: string, options: AddOptions, command: Command): Promise<void> {
  const principal = options.for === undefined ? undefined : principalIdOf(options.for)
  const keys = options.key.length > 0 ? options.key.map(publicKeyOf) : undefined
  const context = contextOf(command)
  const made = await answerOf(context.api.clients.$post({ json: { id, name: options.name, principal, keys } }))
  if (context.json) return context.printJson(made)
  context.print(`${made.id} is registered${made.principal ? ` for ${made.principal}` : ''}.\n`)
}

async function list(_options: object, command: Command): Promise<void> {
  const context = contextOf(command)
  const { clients } = await answerOf(context.api.clients.$get())
  if (context.json) return context.printJson(clients)
  context.print(
    formatTable(clients, [
      { title: 'id', value: ({ id }) => id },
      { title: 'name', value: ({ name }) => name, most: 40 },
      { title: 'stands for', value: ({ principal }) => principal ?? '' },
      { title: 'proves itself by', value: ({ confidential }) => (confidential ? 'its key' : 'nothing') },
      { title: 'registered by', value: ({ createdBy }) => createdBy },
    ]),
  )
}

async function remove(id: string, _options: object, command: Command): Promise<void> {
  const context = contextOf(command)
  const answer = await named(
    answerOf(context.api.clients[':name'].remove.$post({ param: { name: id } })),
    `client ${id}`,
    'List them: sluice client list',
  )
  if (context.json) return context.printJson(answer)
  context.print(`Removed ${id}.\n`)
}

/** The public half of what a file holds. Throws CommandFailure for a private key: it should not travel. */
function publicKeyOf(file: string): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new CommandFailure(`${file} cannot be read (${code}).`, EXIT.usage, 'Name a public key.')
  }
  if (/PRIVATE KEY/.test(text))
    throw new CommandFailure(
      `${file} is a private key.`,
      EXIT.usage,
      'Register the public one: openssl pkey -in KEY -pubout',
    )
  try {
    if (text.startsWith('{')) return JSON.parse(text) as Record<string, unknown>
    const key: KeyObject = createPublicKey(text)
    return { ...key.export({ format: 'jwk' }) }
  } catch {
    throw new CommandFailure(
      `${file} is no public key in PEM or JWK form.`,
      EXIT.usage,
      'Make one: openssl pkey -in KEY -pubout',
    )
  }
}
