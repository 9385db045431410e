import type { CatalogueEntry } from './entry.ts'

/** Who somebody is, signing in, delegating, and the tokens for it. */
export const IDENTITY_CODES = {
  'identity.refused': {
    message: 'Access denied.',
    remedy:
      'Check the token, the resource name and that a rule lets you open it. An administrator sees which it was: `sluice audit export --kind login`.',
  },
  'identity.nowhere': {
    message: 'Access denied: there is no resource of this name that you may open.',
    remedy: 'Write the name as `sluice resources` lists it, or ask an administrator for a rule that lets you open it.',
  },
  'identity.revoked': {
    message: 'Your access has ended: the token or certificate was revoked, or has expired.',
    remedy: 'Sign in again (`sluice login`), or ask whoever issued the token for a new one.',
  },
  'identity.killed': {
    message: 'An administrator has shut you out.',
    remedy: 'Ask one why: `sluice blocks` tells them, and `sluice unblock` lets you in again.',
  },
  'token.invalid': {
    message: 'This token cannot be issued.',
    remedy: 'Change what it names and ask again; `--help` of the command has examples.',
  },
  'identity.plaintext': {
    message: 'A token is not taken without TLS from another machine.',
    remedy: 'Connect with TLS: sslmode=require or better in PostgreSQL clients.',
  },

  'signin.refused': {
    message: 'You could not be signed in.',
    remedy: 'Ask an administrator, and tell when it was: `sluice audit export --kind login` says why.',
  },
  'signin.expired': {
    message: 'This sign-in is no longer open, or belongs to another browser.',
    remedy: 'Start again where you began: `sluice login`, or the page you came from.',
  },
  'signin.answer': {
    message: 'What the identity provider sent could not be trusted.',
    remedy: 'Start again. If it stays so, an administrator finds why with `sluice audit export --kind login`.',
  },
  'signin.provider': {
    message: 'The identity provider did not complete the sign-in.',
    remedy: 'Try again. If it stays so, an administrator finds why with `sluice audit export --kind login`.',
  },
  'signin.groups': {
    message: 'Your groups at the identity provider could not be read.',
    remedy:
      'Ask the administrator to let the provider send only the groups that matter here; docs/guides/oidc.md has how.',
  },
  'signin.stale': {
    message: 'This needs a sign-in of the last minutes.',
    remedy: 'Sign in again: `sluice login --fresh`, or by the button on the page.',
  },
  'signin.codes': {
    message: 'Too many wrong codes came from this address.',
    remedy: 'Wait a few minutes, at most a quarter of an hour; then enter the code the device shows.',
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
    message: 'The narrowing in `authorization_details` cannot be read.',
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
    message: 'The request is not one that this endpoint takes.',
    remedy: 'Compare it with docs/guides/workloads.md, which has a request that works.',
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
    remedy: 'Ask an administrator: `sluice audit export --kind login` says why.',
  },
  'oauth.pending': {
    message: 'Nobody has answered yet.',
    remedy: 'Ask again after the interval that the first answer named.',
  },
  'oauth.slow_down': {
    message: 'Asked too often.',
    remedy: 'Wait five seconds longer between two tries.',
  },
  'oauth.denied': {
    message: 'The person refused the sign-in.',
    remedy: 'Start again, if that was a mistake: `sluice login`.',
  },
  'oauth.expired': {
    message: 'The sign-in was not answered in time.',
    remedy: 'Start again: `sluice login`.',
  },
} as const satisfies Record<string, CatalogueEntry>
