import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import type { PolicyFile } from '../../policy/index.ts'
import { CommandFailure, EXIT } from '../exit.ts'

const YAML = /\.ya?ml$/
const TEST = /\.test\.ya?ml$/

/** The YAML files at and below the paths, each once, in one order everywhere. Throws CommandFailure for a path that cannot be read. */
export function readPolicyFiles(paths: readonly string[]): readonly PolicyFile[] {
  const found = new Set(paths.flatMap(below))
  return [...found].map((path) => ({ path: shown(path), text: readFileSync(path, 'utf8') }))
}

export function isTestFile(file: PolicyFile): boolean {
  return TEST.test(file.path)
}

/** Paths that a test file names, from where it stands. */
export function besideTest(file: PolicyFile, uses: readonly string[]): readonly PolicyFile[] {
  return readPolicyFiles(uses.map((path) => resolve(dirname(file.path), path)))
}

function below(path: string): string[] {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined)
    throw new CommandFailure(
      `There is no file or folder ${path}.`,
      EXIT.usage,
      'Name policy files, or folders of them.',
    )
  if (!stat.isDirectory()) return [resolve(path)]
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).sort()
  return names
    .filter((name) => YAML.test(name) && !name.split('/').some((part) => part.startsWith('.')))
    .map((name) => resolve(join(path, name)))
}

/** As a person would write it from where they stand. */
function shown(path: string): string {
  const near = relative(process.cwd(), path)
  return near.startsWith('..') ? path : near
}
