import { expect } from 'vitest'
import { type Between, startPipeProcess, startTestGateway } from '../rig/gateway.ts'
import { ALLOW_ALL } from '../rig/policies.ts'
import { type Login, type PostgresServer, startPostgres } from '../rig/postgres.ts'
import { probe } from '../rig/psql.ts'

export type Way = 'direct' | 'gateway'

/** A server, a gateway that allows everything, and a comparison of what a client sees on both ways. */
export interface Stage extends AsyncDisposable {
  readonly server: PostgresServer
  readonly gateway: Between
  /** A fresh database in which `setup` has run straight on the server, and how to reach it; without `setup` the common one. */
  login(way: Way, setup?: string): Promise<Login>
  /** Plays a scene on both ways; both must come to the same. Returns what it came to. */
  same<T>(scene: (login: Login, way: Way) => Promise<T>, setup?: string): Promise<T>
}

export async function startStage(policy = ALLOW_ALL): Promise<Stage> {
  const server = await startPostgres({
    settings: { max_prepared_transactions: 2 },
    // The rig's wire client speaks cleartext only.
    hba: ['local all all trust', 'host all all 127.0.0.1/32 password'],
  })
  // SLUICE_THROUGH=pipe puts the byte pipe there: what then still differs is a scene that is not the same twice.
  const start = process.env.SLUICE_THROUGH === 'pipe' ? startPipeProcess : startTestGateway
  const gateway = await start({ target: server, policy })
  let count = 0
  const stage: Stage = {
    server,
    gateway,
    login: async (way, setup) => {
      const database = setup === undefined ? 'postgres' : `scene_${way === 'direct' ? 'd' : 'g'}${++count}`
      if (setup !== undefined) {
        await probe(server, `create database ${database} strategy file_copy`)
        await probe({ ...server, database }, setup)
      }
      return { ...(way === 'direct' ? server : gateway.login('human:suite')), database }
    },
    same: async (scene, setup) => {
      const direct = await stage.login('direct', setup)
      const through = await stage.login('gateway', setup)
      const expected = await scene(direct, 'direct')
      expect(neutral(await scene(through, 'gateway'), through)).toEqual(neutral(expected, direct))
      return expected
    },
    [Symbol.asyncDispose]: async () => {
      await gateway.stop()
      await server.stop('immediate')
    },
  }
  return stage
}

/** What may differ between the ways: the names by which the same thing is reached. */
function neutral(value: unknown, login: Login): unknown {
  const text = JSON.stringify(value)
  if (text === undefined) return value
  return JSON.parse(
    text
      .replaceAll(login.database, 'DATABASE')
      .replaceAll(`"${login.user}"`, '"USER"')
      .replaceAll(`port ${login.port}`, 'port PORT'),
  )
}
