import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folders = new Set<string>()
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A fresh folder under the system's temporary one, removed by `remove` or when this process ends. Short: a Unix socket must fit in it. */
export function tempFolder(purpose: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `sluice-${purpose}-`))
  folders.add(path)
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true, force: true })
      folders.delete(path)
    },
  }
}
