import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from '../context.ts'
import { CommandFailure, EXIT } from '../exit.ts'
import type { ListedResource } from '../resources.ts'
import { type LocalPort, openLocalPort } from './forward.ts'
import { isLoopback, postgresFront } from './postgres-front.ts'
import { sshSurroundings } from './ssh.ts'

/** Where a run's own files lie, and what it acts with. */
export interface Run {
  readonly context: Context
  /** A folder of the run's own, for its owner only. Nothing secret is written into it. */
  readonly folder: string
  /** The token programs present; it travels in their environment, never on disk. */
  readonly token: string
  /** The resource that programs get which name none. */
  readonly preferred: string | undefined
  said(why: string): void
}

/** What a protocol adds to a program's surroundings. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string>>
  /** Put in front of PATH. */
  readonly path?: string
  /** For people: what is where. */
  readonly told: readonly string[]
  close(): Promise<void>
}

/** One entry per protocol: what a program needs so that its stock clients reach the resources as the run's principal. */
const PROTOCOLS: Readonly<Record<string, (run: Run, resources: readonly ListedResource[]) => Promise<Surroundings>>> = {
  postgres: postgresSurroundings,
  ssh: sshSurroundings,
}

/** Everything a run's programs get. A protocol this version does not know is told of, and left out. */
export async function surround(run: Run, resources: readonly ListedResource[]): Promise<Surroundings> {
  const made: Surroundings[] = []
  const close = async () => void (await Promise.allSettled(made.map((each) => each.close())))
  try {
    for (const [protocol, of] of Object.entries(Object.groupBy(resources, (resource) => resource.protocol))) {
      const surroundings = Object.hasOwn(PROTOCOLS, protocol) ? PROTOCOLS[protocol] : undefined
      if (surroundings) made.push(await surroundings(run, of!))
      else run.said(`${of!.map(({ name }) => name).join(', ')}: this version of sluice sets nothing up for ${protocol}`)
    }
  } catch (error) {
    await close()
    throw error
  }
  const paths = made.flatMap(({ path }) => path ?? [])
  return {
    env: Object.assign({}, ...made.map(({ env }) => env)) as Record<string, string>,
    ...(paths.length > 0 ? { path: paths.join(':') } : {}),
    told: made.flatMap(({ told }) => told),
    close,
  }
}

/** The gateway's listener for a resource, as clients reach it. Throws CommandFailure when nobody listens. */
export function listenerOf(
  context: Context,
  resource: ListedResource,
): { readonly host: string; readonly port: number } {
  const written = resource.protocol === 'postgres' ? context.profile.postgres : undefined
  const url = URL.parse(written === undefined ? resource.url : `tcp://${written}`)
  if (!url?.port)
    throw new CommandFailure(
      `The gateway does not listen for ${resource.protocol}.`,
      EXIT.failure,
      'Ask whoever runs it.',
    )
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) }
}

export function openPostgres(
  context: Context,
  resource: ListedResource,
  port: number,
  said: (why: string) => void,
): Promise<LocalPort> {
  const { host, port: at } = listenerOf(context, resource)
  return openLocalPort(
    postgresFront({ host, port: at, ca: isLoopback(host) ? undefined : context.profile.ca }),
    port,
    said,
  )
}

/** The database clients get that name none. */
export function databaseOf(resource: ListedResource): string {
  return decodeURIComponent(URL.parse(resource.url)?.pathname.slice(1) ?? '')
}

/** A local port and a service of libpq per resource; the preferred one, or the only one, is what a bare `psql` reaches. */
async function postgresSurroundings(run: Run, resources: readonly ListedResource[]): Promise<Surroundings> {
  const ports: { resource: ListedResource; port: LocalPort }[] = []
  for (const resource of resources)
    ports.push({ resource, port: await openPostgres(run.context, resource, 0, run.said) })
  const services = join(run.folder, 'pg_service.conf')
  const sections = ports.map(({ resource, port }) => {
    const database = databaseOf(resource)
    const lines = [
      `host=${port.host}`,
      `port=${port.port}`,
      `user=${resource.name}`,
      'sslmode=disable',
      'gssencmode=disable',
    ]
    return [`[${resource.name}]`, ...lines, ...(database ? [`dbname=${database}`] : []), ''].join('\n')
  })
  writeFileSync(services, sections.join('\n'), { mode: 0o600 })
  const first =
    ports.find(({ resource }) => resource.name === run.preferred) ?? (ports.length === 1 ? ports[0] : undefined)
  const database = first ? databaseOf(first.resource) : ''
  return {
    env: {
      PGSERVICEFILE: services,
      PGPASSWORD: run.token,
      ...(first && {
        PGHOST: first.port.host,
        PGPORT: String(first.port.port),
        PGUSER: first.resource.name,
        PGSSLMODE: 'disable',
        PGGSSENCMODE: 'disable',
        ...(database && { PGDATABASE: database }),
      }),
    },
    told: ports.map(({ resource, port }) => `${resource.name}: psql service=${resource.name} (127.0.0.1:${port.port})`),
    close: async () => void (await Promise.allSettled(ports.map(({ port }) => port.close()))),
  }
}
