/**
 * What becomes of a request. `decide`: policy is asked. `follow`: passed on where the operation it belongs to was permitted, refused
 * elsewhere. `here`: answered by the gateway, which is the peer it is meant for. `refuse`: always, as every name that is not listed.
 */
export type Treatment = 'decide' | 'follow' | 'here' | 'refuse'

type Table = Readonly<Record<string, Treatment>>

/** Channels a client opens: RFC 4254 §6.1, §7.2, OpenSSH's PROTOCOL §2. */
export const CLIENT_CHANNELS: Table = {
  session: 'here',
  'direct-tcpip': 'decide',
  'direct-streamlocal@openssh.com': 'decide',
  'tun@openssh.com': 'refuse',
  x11: 'refuse',
  'forwarded-tcpip': 'refuse',
}

/** Channels a target opens: RFC 4254 §6.3, §7.2, OpenSSH's PROTOCOL §2. */
export const TARGET_CHANNELS: Table = {
  'forwarded-tcpip': 'decide',
  'forwarded-streamlocal@openssh.com': 'decide',
  'auth-agent@openssh.com': 'decide',
  x11: 'decide',
  session: 'refuse',
  'direct-tcpip': 'refuse',
}

/** Requests of a client on a session channel: RFC 4254 §6, RFC 4335, OpenSSH's PROTOCOL §2. */
export const CLIENT_REQUESTS: Table = {
  exec: 'decide',
  shell: 'decide',
  subsystem: 'decide',
  'pty-req': 'decide',
  env: 'decide',
  'auth-agent-req@openssh.com': 'decide',
  'x11-req': 'decide',
  'window-change': 'follow',
  signal: 'follow',
  break: 'follow',
  'eow@openssh.com': 'follow',
  'xon-xoff': 'refuse',
  'exit-status': 'refuse',
  'exit-signal': 'refuse',
}

/** Requests of a target on a session channel: RFC 4254 §6.8, §6.10, OpenSSH's PROTOCOL §2. */
export const TARGET_REQUESTS: Table = {
  'exit-status': 'follow',
  'exit-signal': 'follow',
  'xon-xoff': 'follow',
  'eow@openssh.com': 'follow',
  'keepalive@openssh.com': 'here',
}

/** Global requests of a client: RFC 4254 §7.1, OpenSSH's PROTOCOL §2. */
export const CLIENT_GLOBALS: Table = {
  'tcpip-forward': 'decide',
  'cancel-tcpip-forward': 'follow',
  'streamlocal-forward@openssh.com': 'decide',
  'cancel-streamlocal-forward@openssh.com': 'follow',
  'no-more-sessions@openssh.com': 'here',
  'keepalive@openssh.com': 'here',
  'hostkeys-prove-00@openssh.com': 'refuse',
}

/** Global requests of a target. Its host keys are the gateway's business: a client knows the gateway's. */
export const TARGET_GLOBALS: Table = {
  'hostkeys-00@openssh.com': 'here',
  'keepalive@openssh.com': 'here',
}

/** What becomes of the request; a name that is not in the table is refused. */
export function treatmentOf(table: Table, name: string): Treatment {
  return Object.hasOwn(table, name) ? table[name]! : 'refuse'
}
