import * as views from './views.ts'

/** A field's CEL type and what it holds. */
type Field = readonly [type: string, holds: string]

const PARTY = {
  kind: ['string', '`human`, `agent` or `service`; `""` for no party.'],
  id: ['string', 'Stable and unique: `agent:triage-bot`.'],
  name: ['string', 'As people write it.'],
  groups: ['list<string>', 'Groups of the identity provider and of the documents, sorted.'],
  claims: [
    'map<string, dyn>',
    'What the identity provider said of it. A missing claim reads as `""`; `claim("roles")` is a list of texts in any case.',
  ],
} as const satisfies Record<string, Field>

const LABELS = ['list<string>', 'Labels of its columns.'] as const
const EFFECTS = ['list<string>', 'What is done, least severe first.'] as const

/** Every type a condition can meet, field by field: what is checked, what did-you-mean knows, and what docs/policy-facts.md says. */
export const TYPES = {
  Party: { ctor: views.ActorView, fields: PARTY },
  Principal: {
    ctor: views.PrincipalView,
    fields: {
      ...PARTY,
      actor: ['Party', 'The party it acts for; all fields empty when there is none.'],
      delegator: ['Party', 'Who delegated first, at the far end of the chain; all fields empty when nobody did.'],
    },
  },
  Resource: {
    ctor: views.ResourceView,
    fields: {
      name: ['string', 'What clients name to reach it.'],
      protocol: ['string', '`postgres` or `ssh`.'],
      labels: ['map<string, string>', 'Its labels. A missing label reads as `""`.'],
    },
  },
  TouchedObject: {
    ctor: views.ObjectView,
    fields: {
      kind: [
        'string',
        '`table`, `view`, `column`, `function`, `sequence`, `schema`, `role`, `setting`, `path`, `file` or `host`.',
      ],
      name: ['string', 'Qualified as users write it: `public.customers`.'],
      labels: LABELS,
      effects: EFFECTS,
    },
  },
  Command: {
    ctor: views.CommandView,
    fields: {
      program: ['string', 'Its name without the folder: `rm` for `/bin/rm`; `""` when what runs is not known.'],
      name: ['string', 'Its name as written: `/bin/rm`.'],
      arguments: [
        'list<string>',
        'Its words without quotes; one that is known only when it runs is as written: `$HOME/x`.',
      ],
      literal: ['bool', 'True when every word is known as it stands.'],
      effects: EFFECTS,
      within: ['list<string>', 'What it runs behind, outermost first: `sudo`, `sh`, `$(…)`.'],
      unknown: ['string', 'Why its effects are not known; `""` when they are.'],
    },
  },
  Facts: {
    ctor: views.FactsView,
    fields: {
      kind: [
        'string',
        '`sql`, `shell`, `file` or `channel`. A fact that only operations of another kind have has no value: a rule that hangs on it does not match.',
      ],
      dialect: ['string', '`postgres` or `mysql`.'],
      database: ['string', 'The database it runs in.'],
      statements: ['int', 'Statements in the message.'],
      tags: ['list<string>', 'Command tags the server would answer with: `CREATE TABLE`.'],
      functions: ['list<string>', 'Functions called that are not known to be safe.'],
      tablesRead: ['list<string>', 'Relations read, `schema.name`.'],
      tablesWritten: ['list<string>', 'Relations written, `schema.name`.'],
      columns: ['list<string>', 'Columns read, `schema.table.column`.'],
      labels: ['list<string>', 'Labels of everything read.'],
      filters: [
        'list<string>',
        'Labels of columns used in predicates, ordering, grouping and joins: what masking cannot hide.',
      ],
      hasWhere: ['bool', 'False when an UPDATE or DELETE has no WHERE.'],
      vacuousWhere: ['bool', 'True when a WHERE of an UPDATE or DELETE holds for every row.'],
      settings: ['list<string>', 'Settings changed, lower case.'],
      transaction: ['list<string>', 'Transaction control: `begin`, `commit`, `rollback`, `savepoint`, `prepare`.'],
      commands: ['list<Command>', 'shell: every simple command of the line, wherever it stands.'],
      programs: ['list<string>', 'shell: their names without the folder; `""` stands for one that is not known.'],
      arguments: ['list<string>', 'shell: every word of every command.'],
      pathsRead: [
        'list<string>',
        'shell, file: files read. `?` stands for one that is not known, `*` for any part of a name, `**` for any folders: `/etc/**` is `/etc` with all that is in it.',
      ],
      pathsListed: ['list<string>', 'shell: files and folders of which only names, kinds and sizes are read.'],
      pathsWritten: ['list<string>', 'shell, file: files written.'],
      pathsDeleted: ['list<string>', 'shell, file: files deleted.'],
      pathsExecuted: ['list<string>', 'shell, file: programs named with their folder.'],
      hosts: ['list<string>', 'shell, channel: hosts it connects to or listens on.'],
      users: ['list<string>', 'shell: accounts it becomes.'],
      variables: ['list<string>', 'shell, channel: variables it sets.'],
      constructs: [
        'list<string>',
        'shell: what the line is made of beyond one plain command: `pipe`, `list`, `substitution`, `redirect`, `glob`, `variable` …',
      ],
      reasons: ['list<string>', 'shell: why something is unknown.'],
      transfer: ['string', 'file: `sftp`, `scp`, `rsync` or `git`.'],
      port: ['int', 'channel: 0 when it has none.'],
      network: [
        'string',
        'channel: where the address lies: `metadata`, `link-local`, `loopback`, `private`, `public`, `special`, `unresolved`, `socket`, or `""`.',
      ],
    },
  },
  Operation: {
    ctor: views.OperationView,
    fields: {
      verb: ['string', "The protocol's own word: `SELECT`, `exec`."],
      effects: EFFECTS,
      objects: ['list<TouchedObject>', 'What it touches.'],
      text: ['string', 'The exact text of this call. A rule that reads it is asked on every call.'],
      facts: ['Facts', 'What is known of its meaning.'],
      confidence: ['string', '`exact`, `partial` or `opaque`.'],
      shape: ['string', '`call`, or `stream` for what stays open.'],
    },
  },
  Session: {
    ctor: views.SessionView,
    fields: {
      id: ['string', 'Its id.'],
      labelsRead: ['list<string>', 'Labels this session has read.'],
      operations: ['int', 'Operations so far, this one included.'],
      rows: ['int', 'Rows returned so far.'],
      bytes: ['int', 'Bytes returned so far.'],
      inFlight: ['int', 'Operations running now.'],
    },
  },
} as const satisfies Record<string, { ctor: new (...args: never[]) => object; fields: Record<string, Field> }>

/** The variables of a condition and their types. */
export const VARIABLES = {
  principal: 'Principal',
  resource: 'Resource',
  op: 'Operation',
  session: 'Session',
  now: 'google.protobuf.Timestamp',
} as const
export type Variable = keyof typeof VARIABLES

/** Every name a field can have. */
export const FIELD_NAMES: readonly string[] = [
  ...new Set(Object.values(TYPES).flatMap((type) => Object.keys(type.fields))),
]
