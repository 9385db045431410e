import { type Between, startPipeProcess, startTestGateway, type TestGateway } from '../rig/gateway.ts'
import { ALLOW_ALL, EVERY_MASK } from '../rig/policies.ts'
import { type Login, type PostgresServer, startPostgres } from '../rig/postgres.ts'
import { probe } from '../rig/psql.ts'

export type Through = 'direct' | 'pipe' | 'gateway'

/** A server of our own, and what the suite connects to. */
export interface Subject extends AsyncDisposable {
  readonly server: PostgresServer
  readonly login: Login
  /** The gateway in between, if it is one. */
  readonly gateway: TestGateway | undefined
}

/** Starts both. These suites drop databases and kill backends, so it refuses unless what answers is the server it has just made. */
export async function startSubject(options: { through: Through; masks: boolean }): Promise<Subject> {
  const server = await startPostgres({
    settings: { max_prepared_transactions: 4, autovacuum: 'on' },
    hba: ['local all all trust', 'host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust'],
  })
  const between = await startBetween(server, options)
  const subject = {
    server,
    gateway: isGateway(between) ? between : undefined,
    login: between?.login('human:suite') ?? server,
    [Symbol.asyncDispose]: async () => {
      await between?.stop()
      await server.stop('immediate')
    },
  }
  for (const login of [server, subject.login]) {
    const answering = await probe(login, "select current_setting('data_directory')")
    if (answering !== server.cluster)
      throw new Error(
        `port ${login.port} leads to ${answering}, not to the server made for this run: nothing was started`,
      )
  }
  return subject
}

async function startBetween(server: PostgresServer, { through, masks }: { through: Through; masks: boolean }) {
  if (through === 'direct') return undefined
  if (through === 'pipe') return await startPipeProcess({ target: server })
  if (through === 'gateway')
    return await startTestGateway({ target: server, policy: masks ? ALLOW_ALL + EVERY_MASK : ALLOW_ALL })
  throw new Error(`"${through}" is no way to a server; write direct, pipe or gateway`)
}

function isGateway(between: Between | undefined): between is TestGateway {
  return between !== undefined && 'dataDir' in between
}
