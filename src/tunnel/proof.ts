import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { SluiceError } from '../kit/errors.ts'
import { PROOF_LABEL } from './wire.ts'

/** A connector's new key, and the proof that its holder sits at this end of this very TLS connection. */
export function proveNewKey(socket: TLSSocket): { key: string; publicKey: string; proof: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }) as string,
    proof: sign(null, bindingOf(socket), privateKey).toString('base64'),
  }
}

/** The key a proof shows. Throws `tunnel.proof` for another kind of key, or one whose holder is not here. */
export function provenKey(socket: TLSSocket, publicKey: string, proof: string): KeyObject {
  try {
    const key = createPublicKey(publicKey)
    const signature = Buffer.from(proof, 'base64')
    if (key.asymmetricKeyType === 'ed25519' && verify(null, bindingOf(socket), key, signature)) return key
  } catch {
    // Not a key: refused as below.
  }
  throw new SluiceError('tunnel.proof')
}

function bindingOf(socket: TLSSocket): Buffer {
  return socket.exportKeyingMaterial(32, PROOF_LABEL, Buffer.alloc(0))
}
