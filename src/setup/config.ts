import { existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { dirname, resolve } from 'node:path'
import { isMap, isNode, LineCounter, type Node, parseDocument } from 'yaml'
import * as z from 'zod'
import { SluiceError } from '../kit/errors.ts'

/** Where to listen. */
export interface Address {
  readonly host: string
  /** 0 to 65535; 0 lets the system choose. */
  readonly port: number
}

/** What `sluice serve` runs with. Paths are absolute. */
export interface GatewaySettings {
  readonly dataDir: string
  readonly policyDir: string
  /** The ledger's name in its checkpoints: one word, never changed later. */
  readonly origin: string
  readonly listen: {
    readonly postgres: Address
    readonly api: Address
    readonly ssh?: Address
    readonly tunnel?: Address
  }
  /** `host:port` that connectors are told to dial; the listener's own when unset. */
  readonly publicTunnel?: string | undefined
  /** Base of links people are sent; the API's own address when unset. */
  readonly publicUrl: string | undefined
  /** Proxies in front of the API whose X-Forwarded-For is taken: addresses, or networks as `10.0.0.0/8`. */
  readonly trustedProxies: readonly string[]
  /** Names and addresses clients reach the gateway by, for its SSH host certificate; unset: what the other settings tell. */
  readonly hostNames: readonly string[] | undefined
  /** PEM files; unset: a certificate of its own, made once in the data folder. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  /** Rows of one result kept in the transcript. */
  readonly sampleRows: number
  /** How long a shutdown waits for statements that run. */
  readonly drain_ms: number
  readonly log: 'debug' | 'info' | 'warn' | 'error'
}

const address = z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):\d{1,5}$/, 'write host:port, like 127.0.0.1:15432')
const text = z.string().min(1)

/** An address, or a network of a prefix that leaves somebody out. */
function isNetwork(written: string): boolean {
  const [address = '', prefix, ...more] = written.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0) return false
  return prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (family === 6 ? 128 : 32))
}

const FILE = z.strictObject({
  dataDir: text.default('.sluice'),
  policyDir: text.optional(),
  origin: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9./-]*$/, 'write one word, like gateway.example/ledger')
    .default('sluice.local/ledger'),
  listen: z
    .strictObject({
      postgres: address.default('127.0.0.1:15432'),
      api: address.default('127.0.0.1:8420'),
      ssh: address.optional(),
      tunnel: address.optional(),
    })
    .prefault({}),
  publicTunnel: address.optional(),
  publicUrl: z.url({ protocol: /^https?$/ }).optional(),
  trustedProxies: z
    .array(z.string().refine(isNetwork, 'write an address or a network, like 10.0.0.7 or 10.0.0.0/24'))
    .max(100)
    .default([]),
  hostNames: z
    .array(z.string().regex(/^[A-Za-z0-9_.:-]{1,253}$/, 'write a host name or an address, without a port'))
    .min(1)
    .max(100)
    .optional(),
  tls: z.strictObject({ cert: text, key: text }).optional(),
  sampleRows: z.int().min(0).max(10_000).default(100),
  drainSeconds: z.number().min(0).max(3600).default(10),
  log: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
})

/** Settings of a file, or the defaults when `path` is undefined and there is no `sluice.yaml` in `cwd`. Throws `config.invalid` with file, line and what to write instead. */
export function loadSettings(path: string | undefined, cwd: string): GatewaySettings {
  const file = path ?? (existsSync(resolve(cwd, 'sluice.yaml')) ? 'sluice.yaml' : undefined)
  if (file === undefined) return settingsOf(FILE.parse({}), cwd)
  return parseSettings(read(resolve(cwd, file), file), { file, base: dirname(resolve(cwd, file)) })
}

/** Settings written in YAML. `base` is the folder relative paths start from. */
export function parseSettings(
  yaml: string,
  { file, base }: { readonly file: string; readonly base: string },
): GatewaySettings {
  const lines = new LineCounter()
  const document = parseDocument(yaml, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const at = (offset: number) => `${file}:${lines.linePos(offset).line}`
  const broken = document.errors.map((error) => `${at(error.pos[0])}: ${error.message}`)
  if (broken.length > 0) throw new SluiceError('config.invalid', broken.join('\n'))
  const checked = FILE.safeParse(document.toJS({ maxAliasCount: 10 }) ?? {})
  if (checked.success) return settingsOf(checked.data, base)
  const problems = checked.error.issues.map((issue) => `${at(offsetOf(document.contents, issue))}: ${sentence(issue)}`)
  throw new SluiceError('config.invalid', problems.join('\n'))
}

function read(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new SluiceError(
      'config.invalid',
      `${name} cannot be read (${(error as NodeJS.ErrnoException).code}); write the path of a file, or leave --config out`,
    )
  }
}

function settingsOf(file: z.infer<typeof FILE>, base: string): GatewaySettings {
  const dataDir = resolve(base, file.dataDir)
  return {
    dataDir,
    policyDir: file.policyDir === undefined ? resolve(dataDir, 'policy') : resolve(base, file.policyDir),
    origin: file.origin,
    listen: {
      postgres: addressOf(file.listen.postgres),
      api: addressOf(file.listen.api),
      ...(file.listen.ssh !== undefined && { ssh: addressOf(file.listen.ssh) }),
      ...(file.listen.tunnel !== undefined && { tunnel: addressOf(file.listen.tunnel) }),
    },
    publicTunnel: file.publicTunnel,
    publicUrl: file.publicUrl?.replace(/\/+$/, ''),
    trustedProxies: file.trustedProxies,
    hostNames: file.hostNames,
    tls: file.tls && { cert: resolve(base, file.tls.cert), key: resolve(base, file.tls.key) },
    sampleRows: file.sampleRows,
    drain_ms: file.drainSeconds * 1000,
    log: file.log,
  }
}

/** The names clients reach the gateway by. */
export function hostNamesOf(settings: GatewaySettings): readonly string[] {
  if (settings.hostNames) return settings.hostNames
  const { ssh } = settings.listen
  const named = ssh && !isEverywhere(ssh.host) ? [ssh.host] : []
  return [...new Set([...named, ...writtenNames(settings), hostname(), 'localhost', '127.0.0.1', '::1'])]
}

/** The names and addresses of it that somebody wrote down. */
export function writtenNames({ hostNames = [], publicUrl }: GatewaySettings): readonly string[] {
  const reached = publicUrl === undefined ? [] : [new URL(publicUrl).hostname.replace(/^\[|\]$/g, '')]
  return [...new Set([...hostNames, ...reached])]
}

/** A listener's `host:port` or URL as clients write it: one that listens everywhere under the first name somebody wrote down, else under `otherwise`. */
export function reachedAt(listener: string, settings: GatewaySettings, otherwise?: string): string {
  const name = writtenNames(settings)[0] ?? otherwise
  if (name === undefined) return listener
  return listener.replace(
    /^(https?:\/\/)?(0\.0\.0\.0|\[?::\]?)(?=:\d+$)/,
    (_, scheme = '') => `${scheme}${name.includes(':') ? `[${name}]` : name}`,
  )
}

function isEverywhere(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** `host:port`, with brackets around an IPv6 host. */
export function addressOf(written: string): Address {
  const colon = written.lastIndexOf(':')
  const port = Number(written.slice(colon + 1))
  if (port > 65_535) throw new SluiceError('config.invalid', `${port} is not a port; write one from 1 to 65535`)
  return { host: written.slice(0, colon).replace(/^\[|\]$/g, ''), port }
}

/** Where the value an issue complains of begins: the unknown key itself, else the nearest value there is. */
function offsetOf(root: unknown, issue: z.core.$ZodIssue): number {
  let node = root
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path
  for (const [i, step] of path.entries()) {
    if (!isMap(node)) break
    const pair = node.items.find((item) => isNode(item.key) && String(item.key) === String(step))
    if (!pair) break
    node = i === path.length - 1 ? pair.key : pair.value
  }
  return isNode(node) ? ((node as Node).range?.[0] ?? 0) : 0
}

function sentence(issue: z.core.$ZodIssue): string {
  const name = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') {
    const inside = schemaKeys(issue.path)
    return `there is no setting "${[...issue.path, issue.keys[0]].join('.')}"; write one of ${inside.join(', ')}`
  }
  if (issue.code === 'invalid_value') return `${name} must be one of ${issue.values.join(', ')}`
  return `${name || 'the file'}: ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`
}

function schemaKeys(path: readonly PropertyKey[]): string[] {
  if (path[0] === 'listen') return ['postgres', 'api', 'ssh', 'tunnel']
  if (path[0] === 'tls') return ['cert', 'key']
  return Object.keys(FILE.shape)
}
