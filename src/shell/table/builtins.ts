import type { CommandDocument } from '../../model/commands.ts'

/** Shell builtins; those that run what they are given are read by programs/. */
export const BUILTINS: Readonly<Record<string, CommandDocument>> = {
  ': true false': { effects: ['session'], otherOptions: 'harmless' },
  echo: { effects: ['session'], otherOptions: 'harmless' },
  printf: { effects: ['session'], options: { '-v': 'variable' } },
  'pwd dirs times caller': { effects: ['session'], otherOptions: 'harmless' },
  'cd pushd': { effects: ['session'], options: { '-L -P -e -@ -n': 'flag' }, operands: 'folder' },
  popd: { effects: ['session'], options: { '-n': 'flag' }, operands: 'folder' },
  'exit return break continue shift logout': { effects: ['session'] },
  'wait jobs bg fg disown': { effects: ['session'], options: { '-l -n -p -r -s -f -a -h': 'unknown' } },
  umask: { effects: ['session'], options: { '-S -p': 'flag' } },
  ulimit: { effects: ['session'], otherOptions: 'harmless' },
  type: { effects: ['read'], options: { '-a -f -t -p -P': 'flag' } },
  'which whereis': { effects: ['read'], otherOptions: 'harmless' },
  read: {
    effects: ['session'],
    options: { '-r -s -e': 'flag', '-p -n -N -t -d -u': 'text', '-a': 'unknown' },
    operands: 'variable',
  },
  'mapfile readarray': {
    effects: ['session'],
    options: { '-t': 'flag', '-d -n -O -s -u': 'text', '-C -c': 'unknown' },
    operands: 'variable',
  },
  getopts: { effects: ['session'], operands: ['text', 'variable', 'text'] },
  hash: { effects: ['session'], options: { '-r -l -t': 'flag' } },
  sleep: { effects: ['session'] },
}
