/** Bounds of provisioning (design §13.5). */
export const LIMITS = {
  page: 100,
  page_max: 1_000,
  /** Characters of one resource as it is kept. */
  resource_chars: 65_536,
  /** Lists and objects in one another. */
  depth: 20,
  name_chars: 256,
  users: 200_000,
  groups: 20_000,
  members: 50_000,
  operations: 1_000,
  filter_chars: 1_024,
  filter_terms: 10,
  token_chars: 4_096,
} as const
