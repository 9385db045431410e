/** Bounds of signing in (design §13.5). */
export const LIMITS = {
  /** From the page to the provider and back. */
  flow_ms: 600_000,
  /** Sign-ins begun and not finished, of everyone together: each is one row. */
  flows: 20_000,
  /** From the provider's answer to the person's yes. */
  confirm_ms: 600_000,
  confirms: 5_000,
  /** From the yes to the token endpoint. */
  code_ms: 60_000,
  codes: 5_000,
  /** How long a code that was redeemed is known as one. */
  spent_ms: 600_000,
  /** How long a sign-in holds that the provider cannot be asked about again. */
  unchecked_ms: 3_600_000,
  /** How often sign-ins that are due are looked for, how many at once, and how many of those together. */
  recheck_every_ms: 5_000,
  recheck_batch: 200,
  recheck_together: 8,
  /** After a provider did not answer, it is asked again this much later. */
  retry_ms: 30_000,
  return_chars: 2_048,
  /** How far ahead of ours a provider's clock may be. */
  ahead_ms: 60_000,
  /** A SAML answer counts as this many. */
  saml_weight: 10,
  /** Secrets of the break-glass account that are looked at together, and that wait: each takes 32 MB and some 60 ms. */
  break_glass: { together: 2, waiting_own: 10, waiting: 200 },
  /** SAML messages of strangers that wait for the thread that reads them. Its own queue must hold those that run together. */
  saml: { together: 2, waiting_own: 30, waiting: 120 },
  /** Sign-ins one address may begin, or bring wrong answers to, before it waits: an office starts its day at once. */
  flow_attempts: { burst: 200, forget_ms: 1_000, wait_ms: 1_000, wait_max_ms: 30_000, keys: 20_000 },
} as const
