/** What an entry of the ledger reports. */
export const ENTRY_KINDS = [
  'start', // the gateway came up
  'stop', // the gateway went down in order
  'policy', // a policy version came into force
  'login', // a claim was accepted or refused
  'open', // a session opened
  'statement', // a text referred to by digest in later entries
  'intent', // an operation was allowed and is about to be forwarded
  'refusal', // an operation was refused
  'held', // people were asked
  'approval', // people answered, or time did
  'outcome', // what became of an intent
  'chunk', // a transcript chunk was written: its hash
  'close', // a session closed
  'gap', // entries were given up while the ledger could not be written: how many
  'admin', // a change made through the API
  'connector', // a connector joined, came, went, was refused or revoked
  'break-glass', // the sealed account was sealed or opened
] as const
export type EntryKind = (typeof ENTRY_KINDS)[number]
