import { spawn, spawnSync } from 'node:child_process'

/** Programs that open a page, by platform; BROWSER wins. */
function opener(env: NodeJS.ProcessEnv): readonly string[] | undefined {
  if (env.BROWSER) return ['sh', '-c', `${env.BROWSER} "$1"`, 'sh']
  if (process.platform === 'darwin') return ['open']
  // Without a display xdg-open starts a text browser in this terminal, which helps nobody.
  if (!env.DISPLAY && !env.WAYLAND_DISPLAY) return undefined
  return spawnSync('sh', ['-c', 'command -v xdg-open'], { stdio: 'ignore' }).status === 0 ? ['xdg-open'] : undefined
}

/** Opens a page in the person's browser. False when there is none: then the address has to be shown. */
export function openBrowser(url: string, env: NodeJS.ProcessEnv = process.env): boolean {
  const command = opener(env)
  if (!command) return false
  const [program, ...args] = command
  const child = spawn(program!, [...args, url], { stdio: 'ignore', detached: true })
  child.once('error', () => {})
  child.unref()
  return true
}
