import type { CatalogueEntry } from './entry.ts'

/** The gateway itself: its sessions, ledger, stored secrets, settings and API. */
export const HOUSE_CODES = {
  internal: {
    message: 'The gateway met an error of its own; the operation was not forwarded.',
    remedy: 'Report it with the session id (`sluice sessions`) and what the gateway’s log says.',
  },

  'session.killed': { message: 'An administrator ended this session.', remedy: 'Ask why before connecting again.' },
  'session.shutdown': { message: 'The gateway is shutting down.', remedy: 'Connect again in a moment.' },
  'session.limit': {
    message: 'Too many sessions are open.',
    remedy: 'Close some, or try again later.',
  },

  'ledger.unwritable': {
    message: 'The audit ledger cannot be written, so nothing is forwarded.',
    remedy: 'Free disk space where `dataDir` is; the gateway goes on by itself.',
  },
  'ledger.damaged': {
    message: 'The audit ledger does not verify.',
    remedy: 'Keep the files as they are and compare them with a copy; docs/guides/audit.md has what to look at.',
  },
  'vault.missing': {
    message: 'A credential the gateway needs is missing.',
    remedy:
      'An administrator stores it under the name that the document has after `vault:` (`sluice secret set NAME`), or mends the file or variable it names; `sluice sessions` tells administrators which.',
  },
  'vault.refused': {
    message: 'This credential cannot be stored.',
    remedy: 'Change what it names, then store it: `sluice secret set NAME < FILE`.',
  },
  'vault.key': {
    message: 'The master key does not open the stored secrets.',
    remedy: 'Start with the key file, or the SLUICE_MASTER_KEY, that they were sealed with.',
  },
  'store.unavailable': {
    message: 'The gateway’s store cannot be reached.',
    remedy: 'Try again in a minute; an administrator looks at the disk that `dataDir` is on.',
  },
  'config.invalid': {
    message: 'The configuration is not valid.',
    remedy: 'Change what it names, then start again; `--help` has examples, docs/guides/postgresql.md every setting.',
  },
  'api.unauthorized': {
    message: 'You are not signed in here: the token is missing, wrong, or has ended.',
    remedy: 'Sign in with `sluice login`, or pass a token that holds in SLUICE_TOKEN.',
  },
  'api.forbidden': {
    message: 'You may not do that.',
    remedy: 'Ask an administrator; `sluice whoami` shows who you are here.',
  },
  'api.not_found': {
    message: 'There is no such thing, or you may not see it.',
    remedy: 'List what there is: `sluice sessions`, `sluice approvals`, `sluice resources`.',
  },
  'kill.unknown': {
    message: 'Nothing was shut out, for there is nothing of that name.',
    remedy:
      'Give the name in full, as the policy and `sluice sessions` write it; `--unseen` shuts out one before it is there.',
  },
  'api.unreachable': {
    message: 'The gateway’s API does not answer.',
    remedy: 'Check that it runs and that --url or SLUICE_URL names it, with https:// where it is on another machine.',
  },
  'api.untrusted': {
    message: 'The gateway’s certificate does not hold here.',
    remedy:
      'One that no public authority signed, such as the gateway’s own (its dataDir/tls/cert.pem): name the file in SLUICE_CA. One that lacks the name you use: write it under `hostNames` in the gateway’s settings.',
  },
  'api.too_large': { message: 'The request is too large.', remedy: 'Send less at once.' },
  'api.limited': {
    message: 'That is wrong, and so was too much before it from this address.',
    remedy: 'Show what is right: that is taken at any time. What is wrong is not looked into for a while.',
  },
  'api.busy': {
    message: 'Too much of this is under way at once.',
    remedy: 'Try again in a minute.',
  },
  'api.invalid': {
    message: 'The request is not valid.',
    remedy: 'Change what it names; `--help` of the command has examples, and the API document describes every field.',
  },
} as const satisfies Record<string, CatalogueEntry>
