import { plainLine } from '../../kit/plain-line.ts'
import { SshReader, sshString, sshUint32 } from '../../kit/ssh-wire.ts'
import type { Network } from '../../model/facts.ts'
import type { Operation } from '../../model/operation.ts'
import type { Permit } from '../contract.ts'
import { LISTENERS, NAME_BYTES, PATH_BYTES } from './channel-limits.ts'
import { OPEN_REASON, type OpenRequest, type Request } from './channel-messages.ts'
import type { House } from './conversation.ts'
import { decide, type Held } from './decide.ts'
import { ForwardedStream } from './forward-stream.ts'
import type { GlobalAnswer, GlobalRequests } from './global-requests.ts'
import { forwardOperation, lendOperation } from './operation.ts'
import { sentence } from './reply.ts'

/** Networks no rule opens: the credentials of the machine itself are there, or no machine is. */
const NEVER: ReadonlySet<Network> = new Set<Network>(['metadata', 'link-local', 'special'])

/** A listener elsewhere is for everybody who reaches the target. */
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/

/** What is worse to reach comes first. */
const WORST: readonly Network[] = ['metadata', 'link-local', 'special', 'unresolved', 'loopback', 'private', 'public']

/** Names of hosts and addresses; `*` is what listens everywhere. */
const HOST = /^(?:[A-Za-z0-9._:-]+|\*)$/
const UNRESOLVED =
  'The gateway cannot resolve this name. An administrator may list it under `targetNames` of the resource, for its target to resolve.'
/** What clouds call their metadata services, on machines where a resolver of theirs answers. */
const METADATA_NAMES =
  /^(?:metadata|instance-data|169-254-169-254)(?:\.|$)|(?:^|\.)metadata\.(?:goog|google\.internal|azure\.(?:com|internal)|tencentyun\.com|platformequinix\.com|packet\.net)$/

type Refuse = (reason: number, why: string) => void

/** Connections through the target and listeners on it: each is judged, by where it leads after names are resolved (D7, D8). */
export class Forwards {
  readonly #house: House
  readonly #globals: GlobalRequests
  /** Listeners the target opened for this client: `tcp port`, `path name`. */
  readonly #listeners = new Map<string, Permit>()
  readonly #held = new Set<Held>()

  constructor(house: House, globals: GlobalRequests) {
    this.#house = house
    this.#globals = globals
    globals.decide = (request, answer) => this.#listen(request, answer)
  }

  /** `direct-tcpip` (RFC 4254 §7.2) or `direct-streamlocal@openssh.com` (OpenSSH's PROTOCOL §2.4). */
  clientOpens(open: OpenRequest, refuse: Refuse): void {
    const reader = new SshReader(open.rest)
    if (open.type !== 'direct-tcpip') {
      const path = pathOf(reader.string())
      if (path === undefined) return this.#never('a socket whose path cannot be judged', refuse)
      const words = { verb: open.type, text: `socket ${path}`, hosts: [path], port: 0, network: 'socket' as const }
      return this.#connect(open, { operation: forwardOperation(words), rest: open.rest }, refuse)
    }
    const host = hostOf(reader.string())
    const port = reader.uint32()
    if (host === undefined) return this.#never('a host that is no name and no address', refuse)
    const origin = open.rest.subarray(open.rest.length - reader.remaining)
    void this.#judged(open.type, host, port).then(({ operation, address, network }) =>
      this.#house.run(() => {
        if (NEVER.has(network) || port === 0 || port > 65_535) return this.#never(operation.text, refuse)
        if (network === 'unresolved' && !this.#vouched(host)) return this.#never(operation.text, refuse, UNRESOLVED)
        // What was judged is what is connected to: the target is given the address, not the name.
        this.#connect(open, { operation, rest: Buffer.concat([sshString(address), sshUint32(port), origin]) }, refuse)
      }),
    )
  }

  /** A name that leads to several places is judged by the worst of them, and connected to that. */
  async #judged(verb: string, host: string, port: number) {
    const found = await this.#house.session.locate(host)
    const worst = WORST.flatMap((network) => found.filter((each) => each.network === network))[0]
    const { address, network } = worst ?? { address: host, network: 'unresolved' as const }
    const hosts = [...new Set([host, ...found.map((each) => each.address)])]
    const text = `${plainLine(host)}:${port}${address === host ? '' : ` (${address})`}`
    return { operation: forwardOperation({ verb, text, hosts, port, network }), address, network }
  }

  /** Only the target knows where a name leads that is not resolved here: its resource says that it may. */
  #vouched(host: string): boolean {
    const name = host.toLowerCase().replace(/\.$/, '')
    return !METADATA_NAMES.test(name) && (this.#house.session.resource.targetNames ?? []).includes(name)
  }

  #never(text: string, refuse: Refuse, why = ''): void {
    const refusal = this.#house.session.refuse('ssh.address', `forward to ${text}`, why)
    refuse(OPEN_REASON.PROHIBITED, plainLine(sentence(refusal)))
  }

  #connect(open: OpenRequest, { operation, rest }: { operation: Operation; rest: Buffer }, refuse: Refuse): void {
    this.#decide(operation, {
      refused: (why) => refuse(OPEN_REASON.PROHIBITED, why),
      granted: (permit) => this.#join('client', { open, operation, permit, rest }, refuse),
    })
  }

  /** Opens the other half; the one who asked is told only when that stands (RFC 4254 §5.1). */
  #join(
    asked: 'client' | 'target',
    { open, operation, permit, rest }: { open: OpenRequest; operation: Operation; permit: Permit; rest: Buffer },
    refuse: Refuse,
  ): void {
    const { session } = this.#house
    if (permit.obligations.mask.length > 0) {
      // Bytes of a protocol nobody reads here: a masked one would break it.
      session.settle(permit, { status: 'refused', tag: 'policy.unfulfilled', rows: 0, bytes: 0 })
      const refusal = session.refuse('policy.unfulfilled', open.type, 'what is forwarded is not masked')
      return refuse(OPEN_REASON.PROHIBITED, plainLine(`sluice: ${sentence(refusal)}`))
    }
    const pair = this.#house.pair(
      (ends) => new ForwardedStream({ session, ends, permit, operation, run: (step) => this.#house.run(step) }),
    )
    if (!pair) {
      session.settle(permit, { status: 'error', tag: 'too many channels', rows: 0, bytes: 0 })
      return refuse(OPEN_REASON.SHORTAGE, 'sluice: too many channels')
    }
    const other = asked === 'client' ? 'target' : 'client'
    this.#house.reach(other, pair, {
      type: open.type,
      rest,
      opened: () => this.#house.confirm(asked, pair, open),
      failed: (reason, why) => {
        pair[asked].closed = true
        refuse(reason, plainLine(why).slice(0, 200))
      },
    })
  }

  /** `forwarded-tcpip`, `forwarded-streamlocal@openssh.com`, `auth-agent@openssh.com`, `x11`: where the client asked for it before. */
  targetOpens(open: OpenRequest, refuse: Refuse): void {
    const reader = new SshReader(open.rest)
    let operation: Operation
    if (open.type === 'forwarded-tcpip') {
      const [host, port] = [reader.text(), reader.uint32()]
      if (!this.#listeners.has(`tcp ${port}`)) return refuse(OPEN_REASON.PROHIBITED, '')
      const origin = reader.text()
      operation = forwardOperation({
        verb: open.type,
        text: plainLine(`from ${origin} at ${host}:${port}`),
        hosts: [origin],
        port,
        network: '',
      })
    } else if (open.type === 'forwarded-streamlocal@openssh.com') {
      const path = reader.text()
      if (!this.#listeners.has(`path ${path}`)) return refuse(OPEN_REASON.PROHIBITED, '')
      operation = forwardOperation({
        verb: open.type,
        text: plainLine(path),
        hosts: [path],
        port: 0,
        network: 'socket',
      })
    } else {
      if (!this.#house.lent.has(open.type)) return refuse(OPEN_REASON.PROHIBITED, '')
      operation = lendOperation(open.type, open.type)
    }
    this.#decide(operation, {
      refused: (why) => refuse(OPEN_REASON.PROHIBITED, why),
      granted: (permit) => this.#join('target', { open, operation, permit, rest: open.rest }, refuse),
    })
  }

  /** `tcpip-forward`: string address, uint32 port. `streamlocal-forward@openssh.com`: string path. And what takes them back. */
  #listen(request: Request, answer: (answer: GlobalAnswer) => void): void {
    const reader = new SshReader(request.rest)
    const tcp = request.name.endsWith('tcpip-forward')
    // To listen everywhere a client says the empty name (RFC 4254 §7.1).
    const bytes = reader.string()
    const host = tcp && bytes.length === 0 ? '' : tcp ? hostOf(bytes) : pathOf(bytes)
    const port = tcp ? reader.uint32() : 0
    if (host === undefined) {
      this.#house.session.refuse('ssh.address', 'listen on what is no name, no address and no path', '')
      return answer(undefined)
    }
    const key = tcp ? `tcp ${port}` : `path ${host}`
    if (request.name.startsWith('cancel-')) return this.#cancel(key, request, { answer })
    const network: Network = tcp ? (LOOPBACK.test(host) ? 'loopback' : 'special') : 'socket'
    const text = `listen on ${plainLine(tcp ? `${host || '*'}:${port}` : host)}`
    if (this.#listeners.size >= LISTENERS) {
      this.#house.session.refuse('ssh.address', text, '')
      return answer(undefined)
    }
    const operation = forwardOperation({ verb: request.name, text, hosts: [host || '*'], port, network })
    this.#decide(operation, {
      refused: () => answer(undefined),
      granted: (permit) =>
        this.#globals.askTarget(request.name, request.rest, (said) => {
          if (!said) {
            this.#house.session.settle(permit, { status: 'error', tag: 'the target refused', rows: 0, bytes: 0 })
            return answer(undefined)
          }
          // For port 0 the target chooses one and says which.
          const chosen = tcp && port === 0 && said.length >= 4 ? `tcp ${said.readUInt32BE()}` : key
          this.#listeners.set(chosen, permit)
          this.#limit(chosen, request, { permit, operation })
          answer(said)
        }),
    })
  }

  /** A listener ends when the time its permit gives it is over, or when policy would no longer permit it. */
  #limit(key: string, request: Request, { permit, operation }: { permit: Permit; operation: Operation }): void {
    const port = Number(/^tcp (\d+)$/.exec(key)?.[1] ?? 0)
    const rest = key.startsWith('tcp ')
      ? Buffer.concat([sshString(new SshReader(request.rest).string()), sshUint32(port)])
      : request.rest
    const end = (why: string) => {
      if (this.#listeners.get(key) === permit)
        this.#cancel(key, { ...request, name: `cancel-${request.name}`, rest }, { answer: () => {}, why })
    }
    const { timeout_ms } = permit.obligations
    if (timeout_ms !== undefined) setTimeout(() => this.#house.run(() => end('limit.timeout')), timeout_ms).unref()
    const ended = (_: string, tag: string) => this.#house.run(() => end(tag))
    // Nothing flows through a listener itself: what comes in by it is judged as connections of its own.
    this.#house.session.stand(permit, { operation, call: { text: operation.text }, masks: true, ended })
  }

  /** `why` it was ended from here, for the record; its client took it back otherwise. */
  #cancel(
    key: string,
    request: Request,
    { answer, why }: { answer: (answer: GlobalAnswer) => void; why?: string },
  ): void {
    const permit = this.#listeners.get(key)
    if (!permit) return answer(undefined)
    this.#listeners.delete(key)
    const end = why ? ({ status: 'cancelled', tag: why } as const) : ({ status: 'ok', tag: 'cancelled' } as const)
    this.#house.session.settle(permit, { ...end, rows: 0, bytes: 0 })
    this.#globals.askTarget(request.name, request.rest, answer)
  }

  #decide(operation: Operation, answers: { granted: (permit: Permit) => void; refused: (why: string) => void }): void {
    let held: Held | undefined
    held = decide({
      house: this.#house,
      operation,
      granted: (permit) => {
        if (held) this.#held.delete(held)
        answers.granted(permit)
      },
      refused: (refusal) => {
        if (held) this.#held.delete(held)
        answers.refused(plainLine(`sluice: ${sentence(refusal)}`))
      },
    })
    if (held) this.#held.add(held)
  }

  over(): void {
    for (const held of this.#held) held.withdraw(this.#house.cut?.tag)
    for (const permit of this.#listeners.values())
      this.#house.session.settle(permit, { status: 'ok', tag: 'closed', rows: 0, bytes: 0 })
    this.#listeners.clear()
  }
}

/** Undefined for what is neither a name nor an address: resolvers would read each in their own way. */
function hostOf(bytes: Buffer): string | undefined {
  const host = bytes.toString('latin1')
  return bytes.length <= NAME_BYTES && HOST.test(host) ? host : undefined
}

/** Undefined for a path that cannot be judged. */
function pathOf(bytes: Buffer): string | undefined {
  const path = bytes.toString('utf8')
  const whole = Buffer.from(path).equals(bytes)
  return whole && path.startsWith('/') && !path.includes('\0') && bytes.length <= PATH_BYTES ? path : undefined
}
