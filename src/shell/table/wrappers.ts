import type { CommandDocument } from '../../model/commands.ts'

/** Programs that run the command they are given. */
export const WRAPPERS: Readonly<Record<string, CommandDocument>> = {
  // Its output goes to a file when there is a terminal.
  nohup: { effects: ['write'], operands: 'command' },
  setsid: { effects: ['session'], options: { '-c -f -w --ctty --fork --wait': 'flag' }, operands: 'command' },
  nice: { effects: ['session'], options: { '-n --adjustment': 'text' }, operands: 'command' },
  timeout: {
    effects: ['session'],
    options: { '-s --signal -k --kill-after': 'text', '--foreground --preserve-status -v --verbose': 'flag' },
    operands: ['text', 'command'],
  },
  stdbuf: { effects: ['session'], options: { '-i -o -e --input --output --error': 'text' }, operands: 'command' },
  time: {
    effects: ['session'],
    options: { '-p -v -a --portability --verbose --append': 'flag', '-f --format': 'text', '-o --output': 'write' },
    operands: 'command',
  },
  ionice: { effects: ['session'], options: { '-t': 'flag', '-c -n --class --classdata': 'text' }, operands: 'command' },
  'chrt taskset': { effects: ['session'], options: { '-a -b -f -i -o -r -c': 'flag' }, operands: ['text', 'command'] },
  flock: {
    effects: ['session'],
    options: { '-s -x -n -u -o -e': 'flag', '-w -E': 'text', '-c': 'shell' },
    operands: ['write', 'command'],
  },
  'eatmydata unbuffer caffeinate': { effects: ['session'], operands: 'command' },
}
