import { spawnSync } from 'node:child_process'
import { POISONED_TICKET } from './rows.ts'

/** One promise: a command to paste, and what its output must match. */
export interface TourStep {
  readonly promise: string
  /** One line for a shell in the clone. */
  readonly run: string
  /** A regular expression over stdout and stderr together. */
  readonly expect: string
}

export interface TourPlace {
  readonly host: string
  readonly port: number
  /** How the command line is called in the clone: `npx sluice`. */
  readonly sluice: string
  /** Set when psql is installed: the file that holds the agent's token. */
  readonly tokenFile: string | undefined
  /** True when there is an SSH host behind the gateway. */
  readonly ssh: boolean
}

export function hasPsql(): boolean {
  return spawnSync('psql', ['--version'], { stdio: 'ignore' }).status === 0
}

/** The five-minute tour, in order. Every step may be repeated. */
export function tourOf(place: TourPlace): TourStep[] {
  const { sluice } = place
  const asAgent = (sql: string) => agentCommand(place, sql)
  return [
    {
      promise: 'An agent reads real rows; e-mail addresses and card numbers come back masked.',
      run: asAgent(
        'SELECT c.name, c.email, p.card, p.amount FROM customers c JOIN orders o ON o.customer_id = c.id JOIN payments p ON p.order_id = o.id ORDER BY p.id LIMIT 5',
      ),
      // Stars where the address was, and nowhere sixteen digits of a card.
      expect:
        '^(?![\\s\\S]*\\b(?:\\d{4} ?){3}\\d{4}\\b)(?![\\s\\S]*\\w{3,}@example\\.)[\\s\\S]*\\*{2}[\\s\\S]*\\(5 rows\\)',
    },
    {
      promise: 'Its DELETE waits inside the live session until a person approves exactly that statement.',
      run: `${asAgent("DELETE FROM tickets WHERE id = (SELECT min(id) FROM tickets WHERE status = 'solved')")} & ${sluice} approve "$(${sluice} approvals --wait 30s --ids)"; wait`,
      expect: 'approval[\\s\\S]*DELETE 1\\b|DELETE 1\\b[\\s\\S]*approved',
    },
    {
      promise: 'A program on the database server cannot be started, whatever the statement looks like.',
      run: asAgent("COPY (SELECT * FROM customers) TO PROGRAM 'cat > /tmp/customers'"),
      expect: 'no-server-programs',
    },
    {
      promise: `Ticket ${POISONED_TICKET} tells the agent to copy a partner's token into it. The agent obeys; the gateway does not.`,
      run: asAgent(
        `UPDATE tickets SET body = (SELECT api_token FROM integrations WHERE id = 1) WHERE id = ${POISONED_TICKET}`,
      ),
      expect: 'agents-do-not-carry-secrets|mask\\.copy',
    },
    {
      promise:
        'A database in a network the gateway cannot reach: a connector near it dials out, and nothing else changes.',
      run: `${agentCommand(place, 'SELECT id, name, email FROM customers WHERE id < 3', 'archive')} && ${sluice} connectors`,
      expect: '@\\*{2}[\\s\\S]*\\(2 rows\\)[\\s\\S]*annex\\s+con_\\w+\\s+ready',
    },
    ...(place.ssh ? hostSteps(place) : []),
    {
      promise:
        'You sign in at an identity provider (a built-in one; a script plays your browser here), work on the token that gives, and sign out.',
      run: `BROWSER="node tools/run.cjs demo/visit.ts" ${sluice} login && ${sluice} sql orders -c "SELECT count(*) AS tickets FROM tickets" && ${sluice} logout`,
      expect: 'Signed in as human:ada[\\s\\S]*\\(1 row\\)[\\s\\S]*Signed out human:ada',
    },
    {
      promise: 'Every session can be replayed: statement, decision, rule, and the rows as the client saw them.',
      run: `${asAgent('SELECT id, name, email FROM customers WHERE id < 4')} && ${sluice} replay`,
      expect: '\\(3 rows\\)[\\s\\S]*SELECT id, name, email[\\s\\S]*agents-read-masked[\\s\\S]*@\\*{2}',
    },
    {
      promise: 'The log of every decision verifies with nothing but its files and a public key.',
      run: `${sluice} audit verify`,
      expect: 'Verified: [\\d,]+ entries',
    },
  ]
}

/** The agent on a host: its key and certificate are made for the run and live in memory. */
function hostSteps({ sluice }: TourPlace): TourStep[] {
  const onHost = (line: string) => `${sluice} run --quiet --agent triage-bot -- ssh web-1 ${quote(line)}`
  return [
    {
      promise: 'The agent looks around on a host with plain ssh; it holds no key of that host.',
      run: onHost('uname -s; df -h / | tail -1'),
      expect: 'Linux[\\s\\S]*%',
    },
    {
      promise: `What deletes waits for a person, however it is wrapped — another one than it acts for: ${sluice} --as bob approve apr_…; what hides what it does is refused.`,
      run: `${onHost('sh -c "rm -rf ~/backups"')}; echo "exit $?"; ${onHost('echo cm0gLXJmIH4= | base64 -d | sh')}; echo "exit $?"`,
      expect: 'agents-ask-on-hosts[\\s\\S]*exit 77[\\s\\S]*exit 126',
    },
  ]
}

/** psql where it is installed, else the small client of our own. The token stays out of the process list. */
function agentCommand({ host, port, sluice, tokenFile }: TourPlace, sql: string, resource = 'orders'): string {
  if (tokenFile === undefined) return `${sluice} sql ${resource} --as triage-bot -c ${quote(sql)}`
  return `PGPASSWORD="$(cat ${tokenFile})" psql -X "host=${host} port=${port} user=${resource} dbname=shop" -c ${quote(sql)}`
}

function quote(text: string): string {
  return `"${text.replace(/[\\"$`]/g, '\\$&')}"`
}
