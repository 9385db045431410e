import type { CommandDocument } from '../../model/commands.ts'

/** Programs that read text and write text; sed and awk, which hold programs of their own, are read by programs/. */
export const TEXT: Readonly<Record<string, CommandDocument>> = {
  'grep egrep fgrep zgrep': {
    effects: ['read'],
    otherOptions: 'harmless',
    options: {
      '-f --file': 'read',
      '-e --regexp': 'text',
      '-A -B -C -m --context --after-context --before-context --max-count --include --exclude --exclude-dir': 'text',
      '--exclude-from': 'read',
      '--color --colour': 'maybe',
    },
    operands: ['text', 'read'],
  },
  rg: {
    effects: ['read'],
    otherOptions: 'harmless',
    options: {
      '--pre --pre-glob --hostname-bin --search-zip -z': 'unknown',
      '-f --file': 'read',
      '-e --regexp -g --glob -t --type': 'text',
    },
    operands: ['text', 'read'],
  },
  sort: {
    effects: ['read'],
    otherOptions: 'harmless',
    options: {
      '-o --output': 'write',
      '--compress-program': 'unknown',
      '-T --temporary-directory': 'write',
      '--files0-from': 'read',
      '--random-source': 'read',
      '-k --key -t --field-separator -S --buffer-size': 'text',
    },
    operands: 'read',
  },
  uniq: { effects: ['read'], otherOptions: 'harmless', options: { '-f -s -w': 'text' }, operands: ['read', 'write'] },
  'cut tr fold fmt expand unexpand pr column': { effects: ['read'], otherOptions: 'harmless', operands: 'text' },
  jq: {
    effects: ['read'],
    otherOptions: 'harmless',
    options: {
      '-f --from-file -L': 'unknown',
      '--slurpfile --rawfile': 'unknown',
      '--arg --argjson': 'unknown',
      '--indent': 'text',
    },
    operands: ['text', 'read'],
  },
  'split csplit': {
    effects: ['read', 'write'],
    otherOptions: 'harmless',
    options: { '--filter': 'shell' },
    operands: ['read', 'write'],
  },
  tee: {
    effects: ['session'],
    options: { '-a -i -p --append --ignore-interrupts': 'flag', '--output-error': 'maybe' },
    operands: 'write',
  },
  'zcat gzcat bzcat xzcat zstdcat': {
    effects: ['read'],
    options: { '-f -k -q -v -d -c --force --keep --quiet --stdout': 'flag' },
    operands: 'read',
  },
  'gzip gunzip bzip2 bunzip2 xz unxz zstd unzstd compress uncompress': {
    effects: ['read', 'write', 'delete'],
    otherOptions: 'harmless',
    options: { '-o': 'write' },
    operands: 'delete',
  },
  'seq expr factor yes numfmt shuf': {
    effects: ['session'],
    otherOptions: 'harmless',
    options: { '-o --output': 'write', '--random-source': 'read' },
    operands: 'text',
  },
  iconv: {
    effects: ['read'],
    otherOptions: 'harmless',
    options: { '-o --output': 'write', '-f -t': 'text' },
    operands: 'read',
  },
}
