import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { giveTo, serverAccount } from './account.ts'
import { mustRun } from './child.ts'
import { tempFolder } from './temp.ts'

/** One certificate with its key: paths for servers and libpq, text for us. */
export interface Issued {
  readonly certFile: string
  readonly keyFile: string
  readonly cert: string
  readonly key: string
}

export interface IssueOptions {
  /** `openssl req -newkey` argument: `rsa:2048`, `ed25519`. Default: P-256. */
  readonly key?: string
  /** Digest the authority signs with: `sha384`. */
  readonly digest?: string
  /** Subject alternative names: `DNS:db.test,IP:127.0.0.1`. */
  readonly names?: string
}

/** A certificate authority of a test's own, made with the openssl program. Files belong to the account servers run under. */
export class Authority {
  readonly #folder: string
  readonly #digest: string
  #issued = 0
  readonly caFile: string
  readonly ca: string

  private constructor(folder: string, digest: string) {
    this.#folder = folder
    this.#digest = digest
    this.caFile = join(folder, 'ca.crt')
    this.ca = readFileSync(this.caFile, 'utf8')
  }

  static async create(key = 'ec', digest = 'sha256'): Promise<Authority> {
    const { path } = tempFolder('ca')
    giveTo(serverAccount(), path)
    const files = ['-keyout', join(path, 'ca.key'), '-out', join(path, 'ca.crt')]
    await mustRun([
      'openssl',
      'req',
      '-x509',
      ...newKey(key),
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=test authority',
      `-${digest}`,
      ...files,
    ])
    giveTo(serverAccount(), join(path, 'ca.crt'))
    return new Authority(path, digest)
  }

  /** A certificate for `name`, signed by this authority. */
  async issue(name: string, options: IssueOptions = {}): Promise<Issued> {
    const base = join(this.#folder, `issued-${this.#issued++}`)
    const request = ['-keyout', `${base}.key`, '-out', `${base}.csr`]
    await mustRun(['openssl', 'req', ...newKey(options.key ?? 'ec'), '-nodes', '-subj', `/CN=${name}`, ...request])
    writeFileSync(`${base}.ext`, options.names ? `subjectAltName=${options.names}\n` : '')
    const authority = ['-CA', this.caFile, '-CAkey', join(this.#folder, 'ca.key'), '-CAcreateserial']
    const sign = ['-days', '2', `-${options.digest ?? this.#digest}`, '-extfile', `${base}.ext`]
    await mustRun(['openssl', 'x509', '-req', '-in', `${base}.csr`, '-out', `${base}.crt`, ...authority, ...sign])
    chmodSync(`${base}.key`, 0o600)
    for (const file of [`${base}.key`, `${base}.crt`]) giveTo(serverAccount(), file)
    const read = (suffix: string) => readFileSync(base + suffix, 'utf8')
    return { certFile: `${base}.crt`, keyFile: `${base}.key`, cert: read('.crt'), key: read('.key') }
  }
}

function newKey(key: string): string[] {
  return key === 'ec' ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] : ['-newkey', key]
}
