import type { CommandDocument } from '../../model/commands.ts'

/** Programs that speak with other machines; curl, ssh, scp and rsync are read by programs/. */
export const NETWORK: Readonly<Record<string, CommandDocument>> = {
  'ping ping6 traceroute tracepath mtr': {
    effects: ['connect'],
    otherOptions: 'harmless',
    options: { '-c -i -w -W -s -t -n': 'text' },
    operands: 'host',
  },
  'dig host nslookup': {
    effects: ['connect'],
    otherOptions: 'harmless',
    options: { '-f': 'unknown', '-k': 'read' },
    operands: 'host',
  },
  'netstat ss': {
    effects: ['read'],
    otherOptions: 'unknown',
    options: { '-a -n -t -u -l -p -r -s -i -e -x -4 -6 -o -m -H -O': 'flag' },
    operands: 'text',
  },
  'nc ncat netcat socat telnet ftp tftp': {
    effects: ['connect', 'export', 'import', 'unknown'],
    otherOptions: 'harmless',
    operands: 'host',
  },
}
