import { HYBRID } from './transport-hybrid.ts'
import { type Offer, OfferLists } from './transport-library.ts'

/**
 * What both legs speak. Left out on purpose: SHA-1 anywhere, CBC, chacha20-poly1305 (the prefix truncation of CVE-2023-48795 where a peer
 * has no strict key exchange, and slower here than AES), compression (what it inflates to has no bound), finite-field groups below 3072 bits.
 */
export const KEX: readonly string[] = [
  HYBRID,
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group18-sha512',
  'diffie-hellman-group15-sha512',
]
export const CIPHERS: readonly string[] = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
]
export const MACS: readonly string[] = [
  'hmac-sha2-256-etm@openssh.com',
  'hmac-sha2-512-etm@openssh.com',
  'hmac-sha2-256',
  'hmac-sha2-512',
]
export const COMPRESSION: readonly string[] = ['none']

/** Host keys a target may have. RSA signs with SHA-2 only. */
const HOST_KEY_ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
}

/** Signature algorithms to ask a target for, given the types of its pinned keys: asking for another would show a key that is not pinned. */
export function hostKeyAlgorithms(types: readonly string[]): string[] {
  return [...new Set(types.flatMap((type) => HOST_KEY_ALGORITHMS[type] ?? []))]
}

/** What the gateway offers its clients. */
export function serverOffer(hostKeys: readonly string[]): Offer {
  const direction = { cipher: CIPHERS, mac: MACS, compress: COMPRESSION, lang: [] }
  return new OfferLists({
    kex: [...KEX, 'kex-strict-s-v00@openssh.com'],
    serverHostKey: hostKeys,
    cs: direction,
    sc: direction,
  })
}
