import { readFile } from 'node:fs/promises'
import { SluiceError } from '../kit/errors.ts'
import type { SecretPort } from '../model/ports.ts'
import type { TargetTls } from '../model/resource.ts'
import type { TargetPem } from '../protocols/contract.ts'

/** What the PEM files of a target's TLS settings hold now, so that a renewed certificate is used by the next session. Throws `target.tls_files` for one that cannot be read, `vault.missing` for the key. */
export async function readTargetPem(tls: TargetTls, secrets: SecretPort): Promise<TargetPem> {
  const [ca, cert, key] = await Promise.all([
    tls.ca === undefined ? undefined : readPem(tls.ca),
    tls.cert === undefined ? undefined : readPem(tls.cert),
    tls.key === undefined ? undefined : secrets.read({ file: tls.key }),
  ])
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new SluiceError('target.tls_files', `cannot read ${path}`, { cause })
  }
}
