import type { Command } from 'commander'
import { answerOf, type Context, contextOf } from './context.ts'
import { CommandFailure, EXIT } from './exit.ts'
import { formatTable } from './table.ts'

/** A resource the caller may open. */
export type ListedResource = Awaited<ReturnType<typeof listResources>>[number]

/** `sluice resources` */
export function registerResourcesCommand(program: Command): void {
  program
    .command('resources')
    .description('what you may open')
    .addHelpText('after', '\nExamples:\n  sluice resources\n  sluice connect-info orders\n')
    .action(async (_options: object, command: Command) => {
      const context = contextOf(command)
      const resources = await listResources(context)
      if (context.json) return context.printJson(resources)
      if (resources.length === 0) return context.complain('There is nothing you may open.\n')
      context.print(
        formatTable(resources, [
          { title: 'name', value: (resource) => resource.name },
          { title: 'protocol', value: (resource) => resource.protocol },
          {
            title: 'labels',
            value: ({ labels }) =>
              Object.entries(labels)
                .map(([name, value]) => `${name}=${value}`)
                .join(' '),
          },
          { title: 'accounts', value: (resource) => resource.users.join(' ') },
          { title: 'url', value: (resource) => resource.url },
          { title: 'description', value: (resource) => resource.description, most: 60 },
        ]),
      )
    })
}

async function listResources({ api, profile }: Context) {
  const { resources } = await answerOf(api.resources.$get())
  // A gateway that listens everywhere is where its API is.
  const { hostname } = new URL(profile.api)
  const everywhere = /(?<=^[a-z]+:\/\/[^@/]*@)(0\.0\.0\.0|\[?::\]?)(?=:\d+)/
  return resources.map((resource) => ({ ...resource, url: resource.url.replace(everywhere, hostname) }))
}

/** The resource of this name. Throws CommandFailure with exit code 4 when the caller may not open it. */
export async function resourceOf(context: Context, name: string): Promise<ListedResource> {
  const resources = await listResources(context)
  const found = resources.find((resource) => resource.name === name)
  if (found) return found
  const known = resources.map((resource) => resource.name).join(', ')
  throw new CommandFailure(
    `There is no resource "${name}" you may open.`,
    EXIT.notFound,
    known ? `You may open: ${known}.` : 'Ask for a rule that lets you open it.',
  )
}
