import type { CatalogueEntry } from './entry.ts'

/** The way from the gateway to a target. */
export const TARGET_CODES = {
  'target.unreachable': {
    message: 'The target cannot be reached.',
    remedy:
      'Check that it runs and that `address` of the resource is right; `sluice sessions` tells administrators why.',
  },
  'target.hostkey': {
    message: 'The target shows a host key that the resource does not name.',
    remedy:
      'An administrator compares the key on the target itself, and only then adds it to `hostKeys` of the resource.',
  },
  'target.handshake': {
    message: 'The target and the gateway came to no encrypted connection.',
    remedy:
      'An administrator looks at what the target offers (`ssh -vv`); `sluice sessions` tells administrators what was missing. src/protocols/ssh/README.md lists what is spoken.',
  },
  'target.login': {
    message: 'The gateway could not log in to the target: the account or its credential was refused.',
    remedy:
      'An administrator checks `users` of the resource and stores the right secret (`sluice secret set NAME`); `sluice sessions` tells administrators what the target said.',
  },
  'target.tls_declined': {
    message: 'The target does not speak TLS, and the resource asks for it.',
    remedy:
      'An administrator turns TLS on at the target or, where the network in between is trusted, writes `tls: { mode: disable }` into the resource.',
  },
  'target.tls_required': {
    message: 'The target asks for TLS, and the resource turns it off.',
    remedy: 'An administrator takes `tls: { mode: disable }` out of the resource.',
  },
  'target.tls_failed': {
    message: 'TLS with the target failed: its certificate does not hold, or it does not take ours.',
    remedy:
      'An administrator lets `tls.ca` of the resource name the authority that signed the certificate, and `tls.serverName` the name in it; `sluice sessions` tells administrators which of them fails.',
  },
  'target.tls_files': {
    message: 'A TLS file the resource names cannot be read, or does not hold what it should.',
    remedy:
      'An administrator looks at `tls` of the resource; `sluice policy check` on the gateway’s machine names the file.',
  },
  'target.refused': {
    message: 'The target refuses what the client asked for.',
    remedy: 'Check the database name and the settings the client asks for.',
  },
  'target.busy': {
    message: 'The target takes no connection now.',
    remedy:
      'Try again in a moment; an administrator looks at how many connections the target allows, and whether it is starting.',
  },
  'target.catalogue': {
    message: 'The target’s catalogue cannot be read, so no column is known.',
    remedy: 'Try again later; an administrator checks that the account may read pg_catalog.',
  },
  'target.version': {
    message: 'The target runs a version this gateway does not support.',
    remedy: 'Use PostgreSQL 13 to 18.',
  },
  'target.left': {
    message: 'The target closed the connection.',
    remedy: 'Connect again; if it stays so, an administrator looks at the target’s log.',
  },

  'tunnel.down': {
    message: 'No connector that leads to the target is connected.',
    remedy: 'Ask an administrator to start one; `sluice connectors` shows which there are.',
  },
  'tunnel.lost': {
    message: 'The connector to the target was lost.',
    remedy: 'Connect again: another connector takes over where there is one.',
  },
  'tunnel.forbidden': {
    message: 'The connector may not reach this target.',
    remedy: 'An administrator puts its address on the connector’s allow-list (`sluice connector --allow HOST:PORT`).',
  },
  'tunnel.incompatible': {
    message: 'The connector is too old for this gateway.',
    remedy: 'An administrator upgrades it; `sluice connectors` shows its version.',
  },
  'tunnel.malformed': {
    message: 'The other end of the tunnel broke the protocol.',
    remedy: 'Check that gateway and connector are what they should be, and run the same version.',
  },
  'tunnel.token': {
    message: 'The join token does not hold: it is wrong, was used before, or has expired.',
    remedy: 'Make a new one: `sluice connectors add NAME`. If nobody of yours used it, find out who did.',
  },
  'tunnel.proof': {
    message: 'The key was not shown to be held by the one who sent it.',
    remedy: 'Join again, straight to the gateway.',
  },
  'tunnel.stranger': {
    message: 'The other end is not the gateway the join token or the certificate names.',
    remedy: 'Check the address. If it is right, something sits in between: use --websocket.',
  },
  'tunnel.invalid': {
    message: 'This connector cannot be added.',
    remedy: 'Change what it names; `sluice connectors add --help` has examples.',
  },
  'tunnel.refused': {
    message: 'The gateway does not take this connector.',
    remedy: 'See `sluice connectors`; join again with a new token.',
  },
  'tunnel.duplicate': {
    message: 'Another process already holds this connector’s certificate.',
    remedy:
      'Give each connector a folder and a token of its own. If this is the only one, its key was stolen: revoke it.',
  },
  'tunnel.unreachable': {
    message: 'The gateway cannot be reached.',
    remedy: 'Check the address (it is `listen.tunnel` of the gateway, not its API), the firewall rule and the proxy.',
  },
} as const satisfies Record<string, CatalogueEntry>
