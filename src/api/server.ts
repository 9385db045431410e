import { createServer as createPlainServer, type ServerOptions } from 'node:http'
import { createServer as createTlsServer, type ServerOptions as TlsOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { SluiceError } from '../kit/errors.ts'
import type { Api } from './app.ts'
import { LIMITS } from './limits.ts'

export interface ApiListener {
  /** `http://127.0.0.1:8420` */
  readonly url: string
  readonly port: number
  /** Ends every connection, event streams too. */
  close(): Promise<void>
}

export interface ListenOptions {
  readonly app: Api
  /** Default 127.0.0.1. */
  readonly host?: string
  /** 0 for any free one. */
  readonly port: number
  readonly tls?: { readonly cert: string; readonly key: string }
}

/** Serves the API. Throws `config.invalid` when others could reach it without TLS, or the port is taken. */
export async function listenApi({ app, host = '127.0.0.1', port, tls }: ListenOptions): Promise<ApiListener> {
  if (!tls && !/^(127(\.\d+){3}|::1|localhost)$/.test(host)) {
    throw new SluiceError(
      'config.invalid',
      `the API on ${host} can be reached from other machines: give it a certificate, or bind it to 127.0.0.1`,
    )
  }
  const bounds: ServerOptions & TlsOptions = {
    maxHeaderSize: LIMITS.headers_bytes,
    headersTimeout: LIMITS.headers_ms,
    requestTimeout: LIMITS.request_ms,
    keepAliveTimeout: LIMITS.idle_ms,
    connectionsCheckingInterval: 1_000,
  }
  const listener = getRequestListener((request, env) => app.fetch(request, env as object), {
    overrideGlobalObjects: false,
  })
  const server = tls
    ? createTlsServer({ ...bounds, ...tls, minVersion: 'TLSv1.2' }, listener)
    : createPlainServer(bounds, listener)
  server.maxConnections = LIMITS.connections
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? `port ${port} on ${host} is taken by another program`
          : `cannot listen on ${host}:${port}`
      reject(new SluiceError('config.invalid', why, { cause }))
    })
    server.listen(port, host, resolve)
  })
  const bound = (server.address() as AddressInfo).port
  const shownHost = host.includes(':') ? `[${host}]` : host
  return {
    url: `${tls ? 'https' : 'http'}://${shownHost}:${bound}`,
    port: bound,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}
