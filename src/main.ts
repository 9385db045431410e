import { readFileSync } from 'node:fs'
import { createProgram, runProgram } from './cli/program.ts'

const { version } = JSON.parse(
  readFileSync(
    new URL(import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json', import.meta.url),
    'utf8',
  ),
) as { version: string }

// A reader that leaves early (`sluice sessions | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

await runProgram(createProgram(version), process.argv.slice(2))
