import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { TLSSocket } from 'node:tls'
import { CATALOGUE, type ErrorCode } from '../../kit/catalogue.ts'
import { sha256 } from '../../kit/digest.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { Secret } from '../../kit/secret.ts'
import { readJoinToken } from '../join-token.ts'
import { readLine, textOf, writeLine } from '../lines.ts'
import { proveNewKey } from '../proof.ts'
import { GATEWAY_NAME, JOIN, type JoinRequest } from '../wire.ts'
import type { ConnectorIdentity } from './identity-file.ts'
import { openWay, type Way } from './way.ts'

/** Uses a join token up: the gateway is checked against the token before it is sent, and what comes back is this connector's identity. Throws `tunnel.*`. */
export async function join(way: Way, token: Secret, version: string): Promise<ConnectorIdentity> {
  const { text, authority } = readJoinToken(token.reveal())
  return await joinWith(way, authority, { token: text, version })
}

/** The same by what a trusted issuer says of this workload; `authority` is the digest that `sluice connectors add --workload` printed. */
export async function joinAsWorkload(
  way: Way,
  { token, authority }: { readonly token: Secret; readonly authority: string },
  version: string,
): Promise<ConnectorIdentity> {
  return await joinWith(way, authority, { workload: token.reveal(), version })
}

async function joinWith(
  way: Way,
  authority: string,
  proofs: Omit<JoinRequest, 'publicKey' | 'proof'>,
): Promise<ConnectorIdentity> {
  const socket = await openWay(way, {}, JOIN)
  try {
    const ca = vouchedFor(socket, authority)
    const { key, publicKey, proof } = proveNewKey(socket)
    const request: JoinRequest = { ...proofs, publicKey, proof }
    await writeLine(socket, request)
    const answer = await answerOf(socket)
    if (answer.ok !== true) throw refusalOf(answer)
    return {
      name: textOf(answer, 'name', 64),
      id: textOf(answer, 'id', 64),
      cert: textOf(answer, 'cert', 8_192),
      key,
      ca,
    }
  } finally {
    socket.destroy()
  }
}

/** The authority's certificate, when it is the one the token names and it vouches for whoever is there. Throws `tunnel.stranger`. */
function vouchedFor(socket: TLSSocket, authority: string): string {
  const leaf = socket.getPeerX509Certificate()
  const issuer = leaf?.issuerCertificate
  const now_ms = Date.now()
  const holds =
    leaf &&
    issuer &&
    sha256(issuer.publicKey.export({ type: 'spki', format: 'der' })) === authority &&
    leaf.checkIssued(issuer) &&
    leaf.verify(issuer.publicKey) &&
    leaf.checkHost(GATEWAY_NAME) === GATEWAY_NAME &&
    leaf.validFromDate.getTime() <= now_ms &&
    leaf.validToDate.getTime() > now_ms
  if (!holds) throw new SluiceError('tunnel.stranger', 'it is not vouched for by the authority the token names')
  return new X509Certificate(issuer.raw).toString()
}

async function answerOf(socket: TLSSocket): Promise<Record<string, unknown>> {
  const closed = once(socket, 'close').then(() => {
    throw new SluiceError('tunnel.unreachable', 'the gateway left without an answer')
  })
  return await Promise.race([readLine(socket), closed])
}

function refusalOf({ code }: Record<string, unknown>): SluiceError {
  const known = typeof code === 'string' && Object.hasOwn(CATALOGUE, code)
  return new SluiceError(known ? (code as ErrorCode) : 'tunnel.refused')
}
