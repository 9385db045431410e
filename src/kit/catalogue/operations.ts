import type { CatalogueEntry } from './entry.ts'

/** What policy, people, analysis, masking and the protocols say of one operation. */
export const OPERATION_CODES = {
  'policy.allowed': { message: 'A rule allows it.', remedy: '' },
  'policy.denied': {
    message: 'A rule forbids it.',
    remedy: 'Ask the owner of the rule; `sluice explain` shows what it looked at.',
  },
  'policy.default': {
    message: 'No rule allows it.',
    remedy: 'Ask an administrator for a rule that allows it; `sluice explain` shows how near the others come.',
  },
  'policy.error': {
    message: 'A rule could not be evaluated, so the operation is refused.',
    remedy: 'Tell the owner of the rule; `sluice explain` shows the error.',
  },
  'policy.unfulfilled': {
    message: 'A rule attaches a duty (a mask, a limit) that cannot be kept here, so the operation is refused.',
    remedy: 'Ask the owner of the rule to leave this operation out of it (`when:`).',
  },
  'policy.invalid': {
    message: 'A policy document is not valid.',
    remedy: 'Run `sluice policy check DIR`: it names the file, the line, and what to write.',
  },

  'approval.pending': {
    message: 'The operation waits for approval.',
    remedy: 'Send the same operation again once it is approved.',
  },
  'approval.rejected': {
    message: 'An approver said no.',
    remedy: 'Ask the approver why: `sluice approvals --all` names who decided.',
  },
  'approval.expired': {
    message: 'Nobody decided the approval request in time.',
    remedy: 'Send the operation again to ask anew.',
  },
  'approval.self': {
    message: 'Nobody approves a request of their own, or of an agent that acts for them.',
    remedy: 'Ask someone else whom the rule names; `sluice approvals show ID` shows who may.',
  },
  'approval.forbidden': {
    message: 'You are not among those who may decide this request.',
    remedy: 'Ask someone the rule names; `sluice approvals show ID` shows who may.',
  },
  'approval.closed': {
    message: 'The request is no longer open, or you have decided it before.',
    remedy: 'Look at its state: `sluice approvals show ID`.',
  },
  'approval.mismatch': {
    message: 'The request is not the one you saw.',
    remedy: 'Show it again (`sluice approvals show ID`), read it, and pass the digest it shows.',
  },
  'approval.truncated': {
    message: 'The request is too long to be shown whole.',
    remedy: 'Read the full text first (`sluice approvals show ID --full`), then say that you did.',
  },
  'approval.too_large': {
    message: 'The operation is too large for a person to approve.',
    remedy: 'Split it into smaller operations.',
  },
  'approval.too_many': {
    message: 'Too many requests wait for approval.',
    remedy: 'Wait until some are decided (`sluice approvals`), then send it again.',
  },
  'approval.withdrawn': { message: 'The operation was withdrawn by its client.', remedy: 'Send it again to ask anew.' },
  'approval.unavailable': {
    message: 'Approvals cannot be asked for right now.',
    remedy: 'Try again in a minute; an administrator looks at `sluice status` and the gateway’s log.',
  },

  'sql.syntax': {
    message: 'The statement could not be parsed with the grammar of the server’s version, so it is refused.',
    remedy: 'Correct the statement; the message names the place.',
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
    remedy: 'Leave standard_conforming_strings on and client_encoding at UTF8.',
  },
  'sql.settings_uncertain': {
    message: 'A function in the same pipeline may have changed how text is read, so this statement is refused.',
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

  'limit.rows': {
    message: 'The row limit of a rule was reached.',
    remedy: 'Ask for fewer rows: add a WHERE or a LIMIT.',
  },
  'limit.timeout': {
    message: 'The time limit of a rule was reached.',
    remedy: 'Ask for less at once: add a WHERE or a LIMIT, or split the work.',
  },
  'limit.buffer': {
    message: 'A bound of the gateway was reached: too much came at once.',
    remedy: 'Send less at once.',
  },

  'protocol.malformed': {
    message: 'The client broke the protocol.',
    remedy: 'Use a standard client; if this is one, report it with its version.',
  },
  'protocol.unsupported': {
    message: 'The client asked for something this gateway does not support.',
    remedy: 'Leave the option out; src/protocols/ has a page on each protocol with what is supported.',
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
    remedy: 'Leave it out; src/protocols/ssh/README.md lists what is passed on.',
  },
  'ssh.channel': {
    message: 'A channel of this type is not opened here.',
    remedy: 'Use one of those that src/protocols/ssh/README.md lists.',
  },
  'ssh.variable': {
    message: 'This variable, or this value, is not passed on.',
    remedy:
      'Leave it out: ssh -o SendEnv=-NAME. An administrator may name it under `environment` of the resource, unless it makes programs run what the caller chose.',
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
  'client.late': {
    message: 'The client did not finish its start in time.',
    remedy: 'Connect again, and check for a slow network in between.',
  },
} as const satisfies Record<string, CatalogueEntry>
