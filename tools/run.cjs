'use strict'
// `node tools/run.cjs [--watch] FILE.ts [ARGUMENT …]`: makes node_modules complete, then runs FILE on the packaged Node 24.
// Plain CommonJS for Node 18 and later: it is the first thing a fresh clone runs.
const { spawn } = require('node:child_process')
const path = require('node:path')

const root = path.join(__dirname, '..')
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

async function main(args) {
  try {
    await require('./install.cjs').makeComplete(root)
  } catch (error) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
    return
  }
  const bin = path.join(root, 'node_modules', '.bin')
  // Compiled code is kept from start to start: it halves the time until the first line of ours runs.
  const NODE_COMPILE_CACHE = process.env.NODE_COMPILE_CACHE ?? path.join(root, '.cache', 'compile')
  const env = { ...process.env, NODE_COMPILE_CACHE, PATH: `${bin}${path.delimiter}${process.env.PATH ?? ''}` }
  const child = spawn(path.join(bin, 'node'), nodeArguments(args), { stdio: 'inherit', env, cwd: root })
  // A terminal's Ctrl-C reaches the child by itself; a signal sent to our pid alone does not. The child may see one twice: it must not mind.
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(
      `The packaged Node 24 cannot run (${error.code}). Delete node_modules and run the command again.\n`,
    )
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code)
    for (const name of SIGNALS) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}

/** `--watch` restarts on a change of what the file imports; SIGTERM lets the running one stop in order first. */
function nodeArguments(args) {
  return args[0] === '--watch'
    ? ['--watch', '--watch-preserve-output', '--watch-kill-signal=SIGTERM', ...args.slice(1)]
    : args
}

main(process.argv.slice(2))
