import { SluiceError } from '../kit/errors.ts'
import { answers, body, route } from './access.ts'
import { routeGroup } from './env.ts'
import { journal, journalIfPossible } from './journal.ts'
import type { SshDesk } from './services.ts'
import { byId, done, instant } from './shapes.ts'
import { z } from './zod.ts'

const deskSchema = z
  .object({
    address: z.string().openapi({ example: '127.0.0.1:15422', description: 'host:port of the SSH listener.' }),
    knownHosts: z.string().openapi({ description: 'A line for known_hosts: who vouches for the gateway’s host key.' }),
    authority: z.string().openapi({ description: 'The authority that signs callers’ certificates.' }),
    targetAuthority: z.string().openapi({
      description: 'For TrustedUserCAKeys of targets whose resource says `certificate: true`.',
    }),
  })
  .openapi('Ssh')

const certificateSchema = z
  .object({
    certificate: z.string().openapi({ description: 'The line of a -cert.pub file.' }),
    keyId: z.string(),
    expires_ms: instant,
  })
  .openapi('SshCertificate')

const requestSchema = z
  .strictObject({
    publicKey: z.string().min(1).max(16_384).openapi({ example: 'ssh-ed25519 AAAAC3Nza… ada@laptop' }),
    ttl_ms: z.number().min(1_000).optional().openapi({ description: 'At most an hour. Default: ten minutes.' }),
  })
  .openapi('SshCertificateRequest')

const linkSchema = z
  .object({
    id: z.string(),
    resource: z.string(),
    from: z.string().openapi({ description: 'The address the terminal connected from.' }),
    created_ms: instant,
    expires_ms: instant,
  })
  .openapi('SshLink')

const confirmSchema = z
  .strictObject({ code: z.string().min(1).max(40).openapi({ description: 'As the terminal shows it.' }) })
  .openapi('SshLinkCode')

const show = route('signed-in', {
  method: 'get',
  path: '/ssh',
  summary: 'How SSH clients reach the gateway, and whom they and targets trust.',
  responses: answers(deskSchema),
})

const certify = route('signed-in', {
  method: 'post',
  path: '/ssh/certificates',
  summary: 'A certificate for your own SSH key, good for minutes: it signs in as your token does, and ends with it.',
  request: { body: body(requestSchema) },
  responses: answers(certificateSchema),
})

const look = route('signed-in', {
  method: 'get',
  path: '/ssh/links/{id}',
  summary: 'An SSH client that waits for a person to sign in here.',
  request: { params: byId },
  responses: answers(linkSchema),
})

const confirm = route('signed-in', {
  method: 'post',
  path: '/ssh/links/{id}/confirm',
  summary: 'That client is yours: it is signed in as you.',
  request: { params: byId, body: body(confirmSchema) },
  responses: answers(done),
})

const refuse = route('signed-in', {
  method: 'post',
  path: '/ssh/links/{id}/refuse',
  summary: 'That client is not yours: it is turned away.',
  request: { params: byId },
  responses: answers(done),
})

export const sshRoutes = () =>
  routeGroup()
    .openapi(show, (c) => c.json(described(c.var.services.ssh), 200))
    .openapi(certify, (c) => {
      const { caller, services } = c.var
      const { publicKey, ttl_ms } = c.req.valid('json')
      spoken(services.ssh)
      const issued = services.ssh.ca.certify(caller, publicKey, ttl_ms)
      journal(c, { action: 'ssh.certify', subject: caller.id, fields: { keyId: issued.keyId } })
      return c.json(issued, 200)
    })
    .openapi(look, (c) => {
      const link = c.var.services.ssh.links.find(c.req.valid('param').id)
      if (!link) throw new SluiceError('api.not_found')
      return c.json(link, 200)
    })
    .openapi(confirm, (c) => {
      const { caller, services } = c.var
      const { id } = c.req.valid('param')
      journal(c, { action: 'ssh.confirm', subject: id })
      services.ssh.links.confirm(id, c.req.valid('json').code, caller)
      return c.json({ done: true as const }, 200)
    })
    .openapi(refuse, (c) => {
      const { id } = c.req.valid('param')
      journalIfPossible(c, { action: 'ssh.refuse', subject: id })
      c.var.services.ssh.links.refuse(id)
      return c.json({ done: true as const }, 200)
    })

function spoken(desk: SshDesk): string {
  const address = desk.address()
  if (address === undefined) throw new SluiceError('api.not_found', 'this gateway does not speak SSH: set listen.ssh')
  return address
}

function described(desk: SshDesk): z.infer<typeof deskSchema> {
  const address = spoken(desk)
  const port = address.slice(address.lastIndexOf(':') + 1)
  const named = (name: string) => (port === '22' ? name : `[${name}]:${port}`)
  const { publicLine, targetsLine } = desk.ca
  return {
    address,
    knownHosts: `@cert-authority ${desk.hostNames.map(named).join(',')} ${publicLine}`,
    authority: publicLine,
    targetAuthority: targetsLine,
  }
}
