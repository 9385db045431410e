import { BlockList, isIP } from 'node:net'
import type { Context } from 'hono'
import type { ApiEnv } from './env.ts'

const lists = new WeakMap<readonly string[], BlockList>()

/**
 * Whom a request comes from: the socket's peer. Where that is a proxy the settings trust, what it says in X-Forwarded-For, read from its end: the
 * last address no trusted proxy has. From anybody else the header could be anyone's, and is not read.
 */
export function peerOf(c: Context<ApiEnv>): string {
  const peer = plain(c.env?.incoming?.socket.remoteAddress ?? '')
  const trusted = c.var.services.trustedProxies ?? []
  if (trusted.length === 0) return peer
  const list = listOf(trusted)
  let from = peer
  const named = (c.req.header('x-forwarded-for') ?? '').split(',')
  while (isWithin(list, from) && named.length > 0) {
    const next = plain(named.pop()!.trim())
    // What is no address was not written by a proxy that can be trusted so far.
    if (isIP(next) === 0) break
    from = next
  }
  return from
}

/** An address without its port or brackets; one of IPv4 that came in over IPv6 as it is. */
function plain(text: string): string {
  const bare = /^\[([0-9a-f:.]+)\](?::\d{1,5})?$/i.exec(text)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(text)?.[1] ?? text
  return bare.replace(/^::ffff:(?=[\d.]+$)/i, '')
}

function listOf(trusted: readonly string[]): BlockList {
  const known = lists.get(trusted)
  if (known) return known
  const list = new BlockList()
  for (const each of trusted) {
    const [address = '', prefix] = each.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(address, prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix), family)
  }
  lists.set(trusted, list)
  return list
}

function isWithin(list: BlockList, address: string): boolean {
  const family = isIP(address)
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
}
