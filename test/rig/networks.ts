import { mustRun, run } from './child.ts'

/** Why network namespaces cannot be used here, or undefined. */
export const networksMissing: string | undefined =
  process.getuid?.() !== 0 ? 'network namespaces need root' : await whyNot()

async function whyNot(): Promise<string | undefined> {
  const name = `sluice-${process.pid}`
  try {
    const { status } = await run(['ip', 'netns', 'add', name])
    if (status === 0) await run(['ip', 'netns', 'del', name])
    return status === 0 ? undefined : 'network namespaces cannot be made here'
  } catch {
    return 'the program `ip` (Debian: iproute2) is missing'
  }
}

/** Three machines in a row, each a network namespace: the one in the middle has a link to both, and forwards nothing. */
export interface Networks extends AsyncDisposable {
  readonly near: Machine
  readonly middle: Machine
  readonly far: Machine
  /** Takes the link between near and middle down or up. */
  link(state: 'up' | 'down'): Promise<void>
}

export interface Machine {
  /** In front of a command that is to run there. */
  readonly exec: readonly string[]
  /** The address the neighbour nearer to the gateway knows it by; of `near`, the one the middle dials. */
  readonly address: string
}

export async function startNetworks(): Promise<Networks> {
  const id = process.pid.toString(36)
  const name = (end: string) => `sluice-${id}-${end}`
  const [near, middle, far] = [name('near'), name('middle'), name('far')]
  const all = [near, middle, far]
  const ip = (...args: string[]) => mustRun(['ip', ...args])
  const within = (namespace: string, ...args: string[]) => mustRun(['ip', '-n', namespace, ...args])
  const join = async (a: [string, string, string], b: [string, string, string]) => {
    await ip('link', 'add', a[1], 'netns', a[0], 'type', 'veth', 'peer', 'name', b[1], 'netns', b[0])
    for (const [namespace, device, address] of [a, b]) {
      await within(namespace, 'addr', 'add', `${address}/24`, 'dev', device)
      await within(namespace, 'link', 'set', device, 'up')
    }
  }
  const stop = async () => {
    for (const each of all) await run(['ip', 'netns', 'del', each])
  }
  try {
    for (const each of all) {
      await ip('netns', 'add', each)
      await within(each, 'link', 'set', 'lo', 'up')
    }
    await join([near, 'tunnel', '10.77.1.1'], [middle, 'out', '10.77.1.2'])
    await join([middle, 'in', '10.77.2.1'], [far, 'db', '10.77.2.2'])
    // A route, so that what stops the gateway is the network and not the lack of a line in a table.
    await within(near, 'route', 'add', '10.77.2.0/24', 'via', '10.77.1.2')
    await within(far, 'route', 'add', '10.77.1.0/24', 'via', '10.77.2.1')
    await mustRun(['ip', 'netns', 'exec', middle, 'sysctl', '-q', '-w', 'net.ipv4.ip_forward=0'])
  } catch (error) {
    await stop()
    throw error
  }
  const machine = (namespace: string, address: string): Machine => ({
    exec: ['ip', 'netns', 'exec', namespace],
    address,
  })
  return {
    near: machine(near, '10.77.1.1'),
    middle: machine(middle, '10.77.1.2'),
    far: machine(far, '10.77.2.2'),
    link: async (state) => void (await within(near, 'link', 'set', 'tunnel', state)),
    [Symbol.asyncDispose]: stop,
  }
}
