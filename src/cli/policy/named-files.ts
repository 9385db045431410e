import { X509Certificate } from 'node:crypto'
import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import type { PolicyFile, Problem } from '../../policy/index.ts'

/** What of a resource names files. */
interface Naming {
  readonly name: string
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  readonly users: readonly { readonly name: string; readonly password?: object; readonly key?: object }[]
}

/**
 * Files that resources name and that cannot be read here, or hold no certificate where one must stand. Warnings, not errors: the files are
 * the gateway's, and documents are often checked on another machine.
 */
export function namedFileWarnings(resources: readonly Naming[], files: readonly PolicyFile[]): Problem[] {
  return resources.flatMap(({ name, tls, users }) => {
    const named: [string, string | undefined, boolean][] = [
      ['tls.ca', tls.ca, true],
      ['tls.cert', tls.cert, true],
      ['tls.key', tls.key, false],
      ...users.flatMap((user): [string, string | undefined, boolean][] => [
        [`the password of ${user.name}`, fileOf(user.password), false],
        [`the key of ${user.name}`, fileOf(user.key), false],
      ]),
    ]
    return named.flatMap(([what, path, certificate]) => {
      const wrong = path === undefined ? undefined : faultOf(path, certificate)
      if (wrong === undefined) return []
      return [
        {
          ...placeOf(path!, files),
          message: `${name}: ${what}, ${path}, ${wrong} on this machine.`,
          remedy:
            'The gateway reads it when a session begins: check the path, and who may read it, where the gateway runs.',
        },
      ]
    })
  })
}

function fileOf(source: object | undefined): string | undefined {
  return source !== undefined && 'file' in source && typeof source.file === 'string' ? source.file : undefined
}

/** What is wrong with a file; undefined when it will do. A secret is not read. */
function faultOf(path: string, certificate: boolean): string | undefined {
  try {
    if (!statSync(path).isFile()) return 'is not a plain file'
    accessSync(path, constants.R_OK)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : 'cannot be read'
  }
  if (!certificate) return undefined
  try {
    new X509Certificate(readFileSync(path))
    return undefined
  } catch {
    return 'holds no certificate in PEM form'
  }
}

/** Where the path is written. */
function placeOf(path: string, files: readonly PolicyFile[]): { file: string; line: number; column: number } {
  for (const { path: file, text } of files) {
    const at = text.indexOf(path)
    if (at < 0) continue
    const before = text.slice(0, at).split('\n')
    return { file, line: before.length, column: before.at(-1)!.length + 1 }
  }
  return { file: files[0]?.path ?? '', line: 1, column: 1 }
}
