import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { answerOf, contextOf } from './context.ts'
import { CommandFailure, EXIT } from './exit.ts'

/** `sluice saml import` */
export function registerSamlCommands(program: Command): void {
  const saml = program.command('saml').description('SAML identity providers')
  saml
    .command('import')
    .description('turn a provider’s metadata into a policy document, printed for you to check and keep')
    .argument('<file>', 'the metadata (XML) as the provider’s administrator gave it; - reads standard input')
    .requiredOption('--name <name>', 'what the provider is called here: it stands in ids and URLs')
    .addHelpText(
      'after',
      '\nExamples:\n  sluice saml import metadata.xml --name acme > policy/acme.yaml\n  curl -s https://idp.acme.example/metadata | sluice saml import - --name acme\n',
    )
    .action(importMetadata)
}

async function importMetadata(file: string, { name }: { name: string }, command: Command): Promise<void> {
  const context = contextOf(command)
  const metadata = readText(file)
  const { entityId, ssoUrl, sloUrl, certificates } = await answerOf(
    context.api.saml.metadata.$post({ json: { metadata } }),
  )
  const document = {
    kind: 'IdentityProvider',
    name,
    saml: { entityId, ssoUrl, ...(sloUrl && { sloUrl }), certificates },
  }
  if (context.json) return context.printJson(document)
  const pem = certificates.map(
    (text) =>
      `    - |\n${text
        .trim()
        .split('\n')
        .map((line) => `      ${line}\n`)
        .join('')}`,
  )
  context.print(
    `kind: IdentityProvider\nname: ${name}\nsaml:\n  entityId: ${JSON.stringify(entityId)}\n  ssoUrl: ${JSON.stringify(ssoUrl)}\n${sloUrl ? `  sloUrl: ${JSON.stringify(sloUrl)}\n` : ''}  certificates:\n${pem.join('')}`,
  )
  context.complain(
    `Compare the certificate with the provider’s administrator, then give them ours: ${context.profile.api}/sign-in/${name}/metadata\n`,
  )
}

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    throw new CommandFailure(
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`,
      EXIT.usage,
      'Give the path of the metadata.',
    )
  }
}
