import type { Client } from 'ssh2'
import type { Secret } from '../../kit/secret.ts'
import { SshReader, sshString } from '../../kit/ssh-wire.ts'
import { readPrivateKey, sendMessage, wireOf } from './transport-library.ts'

const USERAUTH_REQUEST = 50

/**
 * Lets the library's client log in with a certificate: its own request would name the certificate's type in the signature too, where the
 * key's type belongs (PROTOCOL.certkeys). The signed request goes out at once, without the question whether it would be welcome.
 */
export function certifiedAuthentication(client: Client, key: Secret, certificate: Buffer): void {
  const wire = wireOf(client)
  const signer = readPrivateKey(key.reveal())
  const type = new SshReader(certificate).text()
  wire.authPK = (username) => {
    const request = Buffer.concat([
      Buffer.from([USERAUTH_REQUEST]),
      ...[username, 'ssh-connection', 'publickey'].map(sshString),
      Buffer.from([1]),
      sshString(type),
      sshString(certificate),
    ])
    const signature = signer.sign(Buffer.concat([sshString(wire._kex!.sessionID!), request]))
    if (signature instanceof Error) throw signature
    wire._authsQueue.push('publickey')
    const named = Buffer.concat([sshString(signer.type), sshString(signature)])
    sendMessage(wire, Buffer.concat([request, sshString(named)]))
  }
}
