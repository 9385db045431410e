import { randomBytes } from 'node:crypto'
import type { Clock } from '../kit/clock.ts'
import { SluiceError } from '../kit/errors.ts'
import type { Secret } from '../kit/secret.ts'
import { certificateLine, readSshCertificate, signSshCertificate } from '../kit/ssh-certificate.ts'
import { Ed25519Key } from '../kit/ssh-key.ts'
import { readSshPublicKey } from '../kit/ssh-public-key.ts'
import { actorChain, type Principal } from '../model/principal.ts'
import { LIMITS } from './limits.ts'

/** Clocks of two machines may differ this much. */
const SKEW_S = 60

/** What OpenSSH itself may do for whoever holds one. Sluice decides by policy; a certificate that forbids would only confuse. */
const EXTENSIONS: readonly string[] = [
  'permit-X11-forwarding',
  'permit-agent-forwarding',
  'permit-port-forwarding',
  'permit-pty',
  'permit-user-rc',
]

export interface SshCaOptions {
  /** Seeds of the two authorities, 32 bytes in base64. */
  readonly own: Secret
  readonly targets: Secret
  readonly clock: Clock
}

export interface IssuedSshCertificate {
  /** The line of a `-cert.pub` file. */
  readonly certificate: string
  readonly keyId: string
  readonly expires_ms: number
}

/**
 * Sluice's two SSH authorities. One vouches for callers towards the gateway and for the gateway towards callers; the other for the gateway
 * towards targets. They are two so that no certificate a caller holds opens a target.
 */
export interface SshCa {
  /** Public keys, as lines: what callers' known_hosts and targets' TrustedUserCAKeys name. */
  readonly publicLine: string
  readonly targetsLine: string
  /** A certificate for the caller's key, good for minutes. Throws `token.invalid` for a key that cannot be read. */
  certify(principal: Principal, publicKey: string, ttl_ms?: number): IssuedSshCertificate
  /** The token a certificate (base64) stands for, and whom it names; undefined when it is not ours, not a user's, or its time is not now. */
  read(certificate: string): { readonly credential: string; readonly chain: readonly string[] } | undefined
  /** A host certificate for the gateway's key; the names are those clients reach it by. */
  host(key: Buffer, names: readonly string[]): Buffer
  /** A fresh key and its certificate for one login as `user` on a target. */
  forTarget(asked: TargetLogin): { readonly key: Secret; readonly certificate: Buffer }
}

export interface TargetLogin {
  readonly user: string
  readonly session: string
  readonly principal: Principal
}

/** Makes the authorities of the installation's own keys. */
export function createSshCa({ own, targets, clock }: SshCaOptions): SshCa {
  const ours = new Ed25519Key(own)
  const theirs = new Ed25519Key(targets)
  const now_s = () => Math.floor(clock.now_ms() / 1000)
  return {
    publicLine: ours.publicLine('sluice'),
    targetsLine: theirs.publicLine('sluice-targets'),
    certify(principal, publicKey, ttl_ms = LIMITS.ssh_certificate_ms) {
      const key = blobOf(publicKey)
      const now = now_s()
      const latest_s = Math.floor((principal.expires_ms ?? Number.MAX_SAFE_INTEGER) / 1000)
      const before = Math.min(now + Math.floor(Math.min(ttl_ms, LIMITS.ssh_certificate_max_ms) / 1000), latest_s)
      const keyId = [principal.credential, ...actorChain(principal).map((party) => party.id)].join(' ')
      const content = { kind: 'user', key, serial: serial(), keyId, principals: [principal.id] } as const
      const certificate = signSshCertificate(ours, { ...content, after: now - SKEW_S, before, extensions: EXTENSIONS })
      return { certificate: certificateLine(certificate, principal.id), keyId, expires_ms: before * 1000 }
    },
    read(certificate) {
      const read = readOwn(Buffer.from(certificate, 'base64'))
      if (!read?.issuer.equals(ours.blob) || read.kind !== 'user') return undefined
      const now = BigInt(now_s())
      // An option we did not write could only narrow what it is good for, in a way we do not know.
      if (now < read.after || now >= read.before || read.criticalOptions.length > 0) return undefined
      const [credential = '', ...chain] = read.keyId.split(' ')
      return { credential, chain }
    },
    host: (key, names) =>
      signSshCertificate(ours, {
        kind: 'host',
        key,
        serial: serial(),
        keyId: 'sluice gateway',
        principals: names,
        after: now_s() - SKEW_S,
        before: now_s() + LIMITS.ssh_host_certificate_ms / 1000,
      }),
    forTarget({ user, session, principal }) {
      const key = Ed25519Key.fresh()
      const certificate = signSshCertificate(theirs, {
        kind: 'user',
        key: key.blob,
        serial: serial(),
        keyId: [session, ...actorChain(principal).map((party) => party.id)].join(' '),
        principals: [user],
        after: now_s() - SKEW_S,
        before: now_s() + LIMITS.ssh_target_certificate_ms / 1000,
        extensions: EXTENSIONS,
      })
      return { key: key.privateText(), certificate }
    },
  }
}

function serial(): bigint {
  return randomBytes(8).readBigUInt64BE()
}

function readOwn(blob: Buffer): ReturnType<typeof readSshCertificate> | undefined {
  try {
    return readSshCertificate(blob)
  } catch (thrown) {
    if (thrown instanceof SluiceError) return undefined
    throw thrown
  }
}

/** The key of a `.pub` file's line. Throws `token.invalid`. */
export function blobOf(line: string): Buffer {
  const [type, base64 = ''] = line.trim().split(/\s+/)
  try {
    const key = readSshPublicKey(Buffer.from(base64, 'base64'))
    if (key.type === type) return key.blob
  } catch {
    // Said below, whatever was wrong with it.
  }
  throw new SluiceError(
    'token.invalid',
    'that is not a public key of a kind that is taken: ssh-ed25519, ecdsa-sha2-nistp*, or ssh-rsa of 2048 bits and more',
  )
}
