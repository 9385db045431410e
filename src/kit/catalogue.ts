export interface CatalogueEntry {
  /** Safe for anyone to see. */
  readonly message: string
  /** What to do about it. */
  readonly remedy: string
}

/** Every coded reason there is. `docs/errors.md` is generated from it; a test fails for a code nobody uses. */
export const CATALOGUE = {
  internal: {
    message: 'The gateway met an error of its own.',
    remedy: 'Report it with the session id; the statement was not forwarded.',
  },

  'identity.refused': {
    message: 'Access denied.',
    remedy:
      'Check the token, the resource name and that a rule lets you open it. An administrator sees which it was: `sluice audit export --kind login`.',
  },
  'identity.revoked': { message: 'Your access has ended.', remedy: 'Ask for a new token.' },
  'token.invalid': { message: 'This token cannot be issued.', remedy: 'Mend what the message names.' },
  'identity.plaintext': {
    message: 'A token may not be sent without TLS from another machine.',
    remedy: 'Connect with TLS (for PostgreSQL: sslmode=require).',
  },

  'signin.refused': {
    message: 'You could not be signed in.',
    remedy: 'Ask an administrator; the time is enough to find out why: `sluice audit export --kind login`.',
  },
  'signin.expired': {
    message: 'This sign-in is not open in this browser, or no longer.',
    remedy: 'Start again where you began.',
  },
  'signin.answer': {
    message: 'What the identity provider sent could not be trusted.',
    remedy: 'Start again; if it stays so, tell an administrator.',
  },
  'signin.provider': {
    message: 'The identity provider did not complete the sign-in.',
    remedy: 'Try again; if it stays so, tell an administrator.',
  },
  'signin.groups': {
    message: 'Your groups at the identity provider could not be read.',
    remedy: 'The administrator can let the provider send only those that matter here.',
  },
  'signin.stale': {
    message: 'This needs a fresh sign-in.',
    remedy: 'Sign in again: `sluice login --fresh`, or on the page.',
  },
  'signin.forged': {
    message: 'The request did not come from a page of this gateway.',
    remedy: 'Go back to the page, load it again, and repeat what you did.',
  },

  'delegation.refused': {
    message: 'You cannot delegate to this agent: there is none of this name, or its document does not list you.',
    remedy: 'Ask the group that owns the agent to list you among its delegators.',
  },
  'delegation.depth': {
    message: 'The chain of delegation is too long: an agent may hand on once.',
    remedy: 'Let the agent do it itself, or delegate to the other agent directly.',
  },
  'delegation.widens': {
    message: 'The request asks for more than the delegator has: delegation only narrows.',
    remedy: 'Ask for resources and effects within those of the token you delegate from.',
  },
  'delegation.expired': {
    message: 'The delegator’s own access ends too soon to be delegated.',
    remedy: 'Sign in again, then delegate.',
  },
  'delegation.details': {
    message: 'The narrowing cannot be read.',
    remedy: 'Write a list such as [{"type":"sluice","resources":["orders"],"effects":["read"]}].',
  },
  'delegation.scope': {
    message: 'The delegation does not cover this.',
    remedy: 'Ask the one you act for to delegate it too.',
  },
  'delegation.environment': {
    message: 'The agent is not meant for this environment.',
    remedy: 'Use an agent whose document lists the environment.',
  },

  'trust.form': {
    message: 'A workload’s token cannot be read, or is of another kind.',
    remedy: 'Present the signed token (JWT) that the issuer gave the workload.',
  },
  'trust.issuer': {
    message: 'A workload’s token comes from an issuer no document trusts.',
    remedy: 'Write a TrustedIssuer whose `issuer` is exactly the token’s `iss`.',
  },
  'trust.algorithm': {
    message: 'A workload’s token is signed in a way its issuer may not use.',
    remedy: 'List the algorithm in the TrustedIssuer, if it is the issuer’s own.',
  },
  'trust.keys': {
    message: 'The public key of a workload’s token was not found.',
    remedy: 'Check that the issuer’s key set can be fetched and holds exactly one key that fits.',
  },
  'trust.signature': {
    message: 'The signature of a workload’s token is wrong.',
    remedy: 'Look for who forged it: the issuer’s keys are right.',
  },
  'trust.audience': {
    message: 'A workload’s token is meant for somebody else.',
    remedy: 'Ask the issuer for a token whose only audience is the one in the TrustedIssuer.',
  },
  'trust.time': {
    message: 'A workload’s token has expired, or does not hold yet.',
    remedy: 'Ask for a fresh one, and check both clocks.',
  },
  'trust.replayed': {
    message: 'A workload’s token was used before.',
    remedy: 'Ask the issuer for a new one each time, or write `replay: allow`.',
  },
  'trust.claims': {
    message: 'The claims of a workload’s token stand for nobody here, or for two.',
    remedy: 'Compare them with the grants of the TrustedIssuer.',
  },

  'oauth.request': {
    message: 'The request is not one this endpoint takes.',
    remedy: 'Mend what the message names.',
  },
  'oauth.grant_type': {
    message: 'This kind of grant is not offered.',
    remedy: 'Use one of those in /.well-known/oauth-authorization-server.',
  },
  'oauth.client': {
    message: 'The client could not be authenticated.',
    remedy: 'Check its id, its key, and that its assertion is fresh and meant for this issuer.',
  },
  'oauth.grant': {
    message: 'What was presented is not accepted.',
    remedy: 'An administrator sees why: `sluice audit export --kind login`.',
  },
  'oauth.pending': { message: 'Nobody has answered yet.', remedy: 'Ask again after the interval.' },
  'oauth.slow_down': { message: 'Asked too often.', remedy: 'Wait five seconds longer between two tries.' },
  'oauth.denied': { message: 'The sign-in was refused by the person.', remedy: 'Start anew, if that was a mistake.' },
  'oauth.expired': { message: 'The sign-in was not answered in time.', remedy: 'Start anew.' },

  'policy.allowed': { message: 'A rule allows it.', remedy: '' },
  'policy.denied': { message: 'A rule forbids it.', remedy: 'Ask the owner of the rule.' },
  'policy.default': { message: 'No rule allows it.', remedy: 'Ask for a rule that allows it.' },
  'policy.error': {
    message: 'A rule could not be evaluated, so the operation is refused.',
    remedy: 'Tell the owner of the rule.',
  },
  'policy.unfulfilled': {
    message: 'A rule attaches a duty this protocol cannot fulfil, so the operation is refused.',
    remedy: 'Change the rule, or use another protocol.',
  },
  'policy.invalid': { message: 'A policy document is not valid.', remedy: 'Mend what `sluice policy check` names.' },

  'approval.pending': {
    message: 'The operation waits for approval.',
    remedy: 'Send the same operation again once it is approved.',
  },
  'approval.rejected': { message: 'The operation was rejected.', remedy: 'Ask the approver why.' },
  'approval.expired': { message: 'The approval request expired.', remedy: 'Send the operation again to ask anew.' },
  'approval.self': {
    message: 'Nobody approves a request of their own, or of an agent that acts for them.',
    remedy: 'Ask someone else whom the rule names.',
  },
  'approval.forbidden': {
    message: 'You are not among those who may decide this request.',
    remedy: 'Ask someone the rule names.',
  },
  'approval.closed': {
    message: 'The request is no longer open, or you have decided it before.',
    remedy: 'Look at its state.',
  },
  'approval.mismatch': {
    message: 'The request is not the one you saw.',
    remedy: 'Show it again, read it, and pass the digest it shows.',
  },
  'approval.truncated': {
    message: 'The request is too long to be shown whole.',
    remedy: 'Read the full text first, then say that you did.',
  },
  'approval.too_large': { message: 'The operation is too large for a person to approve.', remedy: 'Split it.' },
  'approval.too_many': { message: 'Too many requests wait for approval.', remedy: 'Wait until some are decided.' },
  'approval.withdrawn': { message: 'The operation was withdrawn by its client.', remedy: 'Send it again to ask anew.' },
  'approval.unavailable': { message: 'Approvals cannot be asked for right now.', remedy: 'Try again later.' },

  'sql.syntax': {
    message: 'The statement could not be parsed with the server version’s grammar, so it is refused.',
    remedy: 'Correct the statement.',
  },
  'sql.too_large': {
    message: 'The statement is larger than the gateway analyses.',
    remedy: 'Split the statement, or use COPY or bound parameters.',
  },
  'sql.unknown_statement': {
    message: 'The statement refers to a prepared statement or cursor the gateway does not know.',
    remedy: 'Prepare it in this session.',
  },
  'sql.setting': {
    message: 'This session setting may not be changed: what the gateway reads and what the server runs would differ.',
    remedy: 'Keep standard_conforming_strings on and client_encoding UTF8.',
  },
  'sql.settings_uncertain': {
    message: 'A function in the same pipeline may have changed how text is read.',
    remedy: 'Send a Sync before this statement.',
  },

  'mask.copy': {
    message: 'The statement would copy or redefine masked columns.',
    remedy: 'Leave the masked columns out, or ask for access without masking.',
  },
  'mask.write': {
    message: 'The statement contains masked text; writing it would damage the real value.',
    remedy: 'Leave the masked column out of the write.',
  },
  'mask.unreadable': {
    message: 'A result could not be masked, so it is withheld.',
    remedy: 'Select the columns by name, or ask for access without masking.',
  },

  'limit.rows': { message: 'The row limit of a rule was reached.', remedy: 'Narrow the query.' },
  'limit.timeout': { message: 'The time limit of a rule was reached.', remedy: 'Narrow the query.' },
  'limit.buffer': { message: 'A bound of the gateway was reached.', remedy: 'Send less at once.' },

  'protocol.malformed': { message: 'The client broke the protocol.', remedy: 'Use a standard client.' },
  'protocol.unsupported': {
    message: 'The client asked for something this gateway does not support.',
    remedy: 'Leave the option out.',
  },
  'protocol.target': { message: 'The target broke the protocol.', remedy: 'Check the target’s version and health.' },

  'protocol.parameter': {
    message: 'The client sent a start-up parameter that may not be set here.',
    remedy: 'Leave the parameter out; most settings can be changed by SET inside the session.',
  },
  'protocol.duplicate': { message: 'The client sent a start-up parameter twice.', remedy: 'Send it once.' },
  'protocol.user': {
    message: 'The client named no user.',
    remedy: 'Give the resource as the user name: postgresql://RESOURCE@gateway/.',
  },
  'protocol.version': {
    message: 'The client speaks a protocol version this gateway does not.',
    remedy: 'Use a client for protocol 3.',
  },
  'ssh.request': {
    message: 'The client asked for something this gateway does not pass on.',
    remedy: 'Leave it out; docs/guides/ssh.md lists what is understood.',
  },
  'ssh.channel': {
    message: 'A channel of this type is not opened here.',
    remedy: 'docs/guides/ssh.md lists what is understood.',
  },
  'ssh.variable': {
    message: 'This variable would make programs run what the caller chose, so it is not passed on.',
    remedy: 'Leave it out: ssh -o SendEnv=-NAME.',
  },
  'ssh.address': {
    message: 'Nothing may be forwarded there, whatever the rules say.',
    remedy: 'Name another host and port.',
  },
  'ssh.path': {
    message: 'The path cannot be judged, so it is refused.',
    remedy: 'Use a path of plain UTF-8 without NUL, shorter than 4,096 bytes.',
  },
  'client.left': { message: 'The client closed the connection.', remedy: 'Connect again.' },
  'client.late': { message: 'The client did not finish its start in time.', remedy: 'Connect again.' },

  'target.unreachable': {
    message: 'The target cannot be reached.',
    remedy: 'Check that it runs; ask the administrator.',
  },
  'target.hostkey': {
    message: 'The target shows a host key that nobody vouched for.',
    remedy:
      'Tell the administrator: `hostKeys` of the resource must name the key, and only after it was compared on the target itself.',
  },
  'target.login': {
    message: 'The gateway could not log in to the target.',
    remedy: 'The administrator must check the stored credential.',
  },
  'target.refused': {
    message: 'The target refuses what the client asked for.',
    remedy: 'Check the database name and the settings.',
  },
  'target.catalogue': {
    message: 'The target’s catalogue cannot be read.',
    remedy: 'Try again later; the administrator must check the account’s rights.',
  },
  'target.version': {
    message: 'The target runs a version this gateway does not support.',
    remedy: 'Use PostgreSQL 13 to 18.',
  },
  'target.left': { message: 'The target closed the connection.', remedy: 'Connect again.' },

  'tunnel.down': {
    message: 'No connector that leads to the target is there.',
    remedy: 'Ask the administrator: `sluice connectors` shows which are.',
  },
  'tunnel.lost': {
    message: 'The connector to the target was lost.',
    remedy: 'Connect again: another connector takes over where there is one.',
  },
  'tunnel.forbidden': {
    message: 'The connector may not reach this target.',
    remedy: 'The administrator must put its address on the connector’s allow-list (`--allow`).',
  },
  'tunnel.incompatible': {
    message: 'The connector is too old for this gateway.',
    remedy: 'The administrator must upgrade it.',
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
  'tunnel.invalid': { message: 'This connector cannot be added.', remedy: 'Mend what the message names.' },
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
    remedy: 'Check the address, the firewall rule and the proxy.',
  },

  'session.killed': { message: 'An administrator ended this session.', remedy: 'Ask why before connecting again.' },
  'session.shutdown': { message: 'The gateway is shutting down.', remedy: 'Connect again in a moment.' },
  'session.limit': { message: 'Too many sessions.', remedy: 'Close some, or try again later.' },

  'ledger.unwritable': {
    message: 'The audit ledger cannot be written, so nothing is forwarded.',
    remedy: 'Free disk space; the gateway recovers by itself.',
  },
  'ledger.damaged': {
    message: 'The audit ledger does not verify.',
    remedy: 'Keep the files as they are and compare them with a copy.',
  },
  'vault.missing': { message: 'A stored credential is missing.', remedy: 'The administrator must set it.' },
  'vault.refused': { message: 'This credential cannot be stored.', remedy: 'Mend what the message names.' },
  'vault.key': {
    message: 'The master key does not open the stored secrets.',
    remedy: 'Start with the key file, or the SLUICE_MASTER_KEY, that they were sealed with.',
  },
  'store.unavailable': { message: 'The store cannot be reached.', remedy: 'Try again later.' },
  'config.invalid': { message: 'The configuration is not valid.', remedy: 'Mend what the message names.' },
  'api.unauthorized': {
    message: 'Sign in first: the token is missing, wrong, or has ended.',
    remedy: 'Pass one that holds: SLUICE_TOKEN, or `sluice --as NAME`.',
  },
  'api.forbidden': { message: 'You may not do that.', remedy: 'Ask an administrator.' },
  'api.not_found': { message: 'There is no such thing.', remedy: 'List what there is.' },
  'api.unreachable': {
    message: 'The gateway’s API does not answer.',
    remedy: 'Check that it runs and that --url names it.',
  },
  'api.too_large': { message: 'The request is too large.', remedy: 'Send less at once.' },
  'api.limited': {
    message: 'Too many failed sign-ins from this address.',
    remedy: 'Wait a minute, then try with a valid token.',
  },
  'api.invalid': { message: 'The request is not valid.', remedy: 'See `--help`, or the API document.' },
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof CATALOGUE
