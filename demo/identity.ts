import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DemoPerson, type DemoProvider, startDemoProvider } from './idp/provider.ts'

/** Who can sign in. ada is a person of the documents; the others are known by their provider alone. */
const PEOPLE: ReadonlyMap<string, DemoPerson> = new Map(
  [
    { subject: 'ada', name: 'Ada Lovelace', email: 'ada@example.com', groups: ['database-admins'] },
    { subject: 'grace', name: 'Grace Hopper', email: 'grace@example.com', groups: ['support-team'] },
    { subject: 'linus', name: 'Linus Pauling', email: 'linus@example.com', groups: [] },
  ].map((person) => [person.subject, person]),
)

/** Starts the demo's own identity provider, on the port of its last start where that is free: its address is its name. */
export async function startIdentityProvider(folder: string, api: string): Promise<DemoProvider> {
  const file = join(folder, 'identity.port')
  const last = existsSync(file) ? Number(readFileSync(file, 'utf8')) || 0 : 0
  const provider = await startDemoProvider({
    port: last,
    people: PEOPLE,
    clients: () => [
      {
        id: 'sluice',
        redirectUris: [`${api}/sign-in/demo/callback`],
        signedOutUris: [`${api}/sign-out`],
        logoutUri: `${api}/sign-in/demo/logout`,
      },
    ],
  })
  writeFileSync(file, String(provider.port))
  return provider
}
