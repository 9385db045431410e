/** What this folder uses of ssh2 1.17. Its own types are a package of their own, which also describes much that we must not use. */
declare module 'ssh2' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex, Readable, Writable } from 'node:stream'

  export type Accept<T = void> = (() => T) | undefined
  export type Reject = (() => void) | undefined

  export interface AuthContext extends EventEmitter {
    readonly method: 'none' | 'password' | 'publickey' | 'keyboard-interactive' | 'hostbased'
    readonly username: string
    readonly service: string
    /** `password`. */
    readonly password?: string
    /** `publickey`: the algorithm and the key's blob as the client sent them. */
    readonly key?: { readonly algo: string; readonly data: Buffer }
    /** `publickey`: absent in a mere offer. */
    readonly signature?: Buffer
    /** `publickey`: the bytes the signature is over. */
    readonly blob?: Buffer
    readonly hashAlgo?: string
    accept(): void
    reject(methodsLeft?: readonly string[], isPartial?: boolean): void
    prompt(
      prompts: readonly { prompt: string; echo: boolean }[],
      title: string,
      instructions: string,
      answered: (responses: readonly string[] | Error) => void,
    ): void
  }

  /** A channel of either side; on the server side `stderr` is written, on the client side read. */
  export interface Channel extends Duplex {
    readonly stderr: Readable & Writable
    exit(status: number): void
    exit(signal: string, coreDumped?: boolean, message?: string): void
    signal(name: string): void
    setWindow(rows: number, cols: number, height: number, width: number): void
    eof(): void
    close(): void
  }

  export interface PtyInfo {
    readonly term?: string
    readonly cols: number
    readonly rows: number
    readonly width: number
    readonly height: number
    readonly modes: Readonly<Record<string, number>> | Buffer
  }

  /** A `session` channel on the server side, before it becomes an exec, a shell or a subsystem. */
  export interface ServerChannel extends EventEmitter {
    on(event: 'exec', listener: (accept: Accept<Channel>, reject: Reject, info: { command: string }) => void): this
    on(event: 'shell', listener: (accept: Accept<Channel>, reject: Reject) => void): this
    on(event: 'sftp', listener: (accept: Accept<SftpServer>, reject: Reject) => void): this
    on(event: 'subsystem', listener: (accept: Accept<Channel>, reject: Reject, info: { name: string }) => void): this
    on(event: 'pty', listener: (accept: Accept, reject: Reject, info: PtyInfo) => void): this
    on(event: 'window-change', listener: (accept: Accept, reject: Reject, info: PtyInfo) => void): this
    on(event: 'env', listener: (accept: Accept, reject: Reject, info: { key: string; val: string }) => void): this
    on(event: 'signal', listener: (accept: Accept, reject: Reject, info: { name: string }) => void): this
    on(event: 'auth-agent' | 'x11', listener: (accept: Accept, reject: Reject) => void): this
    on(event: 'close' | 'end' | 'eof', listener: () => void): this
  }

  export interface SftpServer extends EventEmitter {}

  /** The client's authenticated connection, on the server side. */
  export interface Connection extends EventEmitter {
    on(event: 'authentication', listener: (context: AuthContext) => void): this
    on(event: 'session', listener: (accept: () => ServerChannel, reject: () => void) => void): this
    on(
      event: 'tcpip' | 'openssh.streamlocal',
      listener: (accept: Accept<Channel>, reject: Reject, info: TcpIp) => void,
    ): this
    on(
      event: 'request',
      listener: (accept: ((port?: number) => void) | undefined, reject: Reject, name: string, info: unknown) => void,
    ): this
    on(event: 'ready' | 'close' | 'end' | 'rekey' | 'handshake', listener: () => void): this
    on(event: 'error', listener: (error: Error) => void): this
    end(): this
  }

  export interface TcpIp {
    readonly srcIP: string
    readonly srcPort: number
    readonly destIP: string
    readonly destPort: number
    readonly socketPath?: string
  }

  export interface ClientConfig {
    readonly sock: Duplex
    readonly username: string
    readonly password?: string
    readonly privateKey?: string
    readonly hostVerifier: (key: Buffer) => boolean
    readonly readyTimeout: number
    readonly ident?: string
    readonly keepaliveInterval?: number
    readonly keepaliveCountMax?: number
    readonly authHandler?: readonly unknown[]
    readonly algorithms?: Algorithms
  }

  export interface Algorithms {
    readonly kex?: readonly string[]
    readonly serverHostKey?: readonly string[]
    readonly cipher?: readonly string[]
    readonly hmac?: readonly string[]
    readonly compress?: readonly string[]
  }

  /** The connection to the target, on the client side. */
  export class Client extends EventEmitter {
    connect(config: ClientConfig): this
    exec(
      command: string,
      options: { pty?: unknown; env?: Record<string, string> },
      opened: (error: Error | undefined, channel: Channel) => void,
    ): this
    shell(
      pty: unknown,
      options: { env?: Record<string, string> },
      opened: (error: Error | undefined, channel: Channel) => void,
    ): this
    subsys(name: string, opened: (error: Error | undefined, channel: Channel) => void): this
    forwardOut(
      srcIP: string,
      srcPort: number,
      destIP: string,
      destPort: number,
      opened: (error: Error | undefined, channel: Channel) => void,
    ): this
    on(event: 'ready' | 'close' | 'end', listener: () => void): this
    on(event: 'error', listener: (error: Error) => void): this
    on(event: 'banner', listener: (text: string) => void): this
    end(): this
    destroy(): this
  }

  export class Server extends EventEmitter {
    constructor(config: {
      hostKeys: readonly (string | Buffer)[]
      ident?: string
      algorithms?: Algorithms
      keepaliveInterval?: number
      keepaliveCountMax?: number
    })
    on(
      event: 'connection',
      listener: (connection: Connection, info: { ip: string; header: { identRaw: string } }) => void,
    ): this
    on(event: 'error', listener: (error: Error) => void): this
    injectSocket(socket: Duplex): void
  }

  const ssh2: { Client: typeof Client; Server: typeof Server }
  export default ssh2
}
