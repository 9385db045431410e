#!/usr/bin/env node
'use strict'
// The command as npm links it. Runs on whatever Node the machine has and hands over to the packaged Node 24 where that is older.
const { existsSync } = require('node:fs')
const path = require('node:path')
const { pathToFileURL } = require('node:url')

const LEAST_NODE = 24
const root = path.join(__dirname, '..')
// A clone runs its sources; a published package runs what was built from them (Node strips no types inside node_modules).
const source = path.join(root, 'src', 'main.ts')
const main = existsSync(source) ? source : path.join(root, 'dist', 'src', 'main.js')

if (Number(process.versions.node.split('.')[0]) >= LEAST_NODE) run()
else handOver()

function run() {
  // Compiled code is kept in our own folder, never in one that others can write to; where it cannot be kept, nothing is lost but time.
  require('node:module').enableCompileCache?.(path.join(root, '.cache', 'compile'))
  import(pathToFileURL(main).href)
}

function handOver() {
  const node = packagedNode()
  if (!node) {
    process.stderr.write(
      `sluice needs Node ${LEAST_NODE}; this is ${process.version}, and the packaged one is missing. In a clone, run \`npm start\` once: it installs it.\n`,
    )
    process.exit(1)
  }
  const child = require('node:child_process').spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code)
    for (const name of signals) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}

function packagedNode() {
  try {
    return path.join(
      path.dirname(require.resolve(`node-${process.platform}-${process.arch}/package.json`)),
      'bin',
      'node',
    )
  } catch {
    return undefined
  }
}
