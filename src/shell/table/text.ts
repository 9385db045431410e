import type { CommandDocument } from '../../model/commands.ts'

/** Programs that read text and write text; sed and awk, which hold programs of their own, are read by programs/. */
export const TEXT: Readonly<Record<string, CommandDocument>> = {
  // Its options are not those of grep: some with a value take none.
  zgrep: {
    effects: ['read'],
    options: {
      '-a -c -E -F -G -h -H -i -l -L -n -o -q -s -v -w -x': 'flag',
      '-e': { takes: 'text', instead: true },
    },
    operands: ['text', 'read'],
  },
  'grep egrep fgrep': {
    effects: ['read'],
    otherOptions: 'harmless',
    options: {
      '-r -R --recursive --dereference-recursive': { recurses: true },
      '-d --directories': { takes: 'text', recurses: true },
      '-f --file': { takes: 'read', instead: true },
      '-e --regexp': { takes: 'text', instead: true },
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
      '-f --file': { takes: 'read', instead: true },
      '--files': { instead: true },
      '-e --regexp': { takes: 'text', instead: true },
      '-g --glob -t --type': 'text',
    },
    operands: ['text', 'tree'],
  },
  sort: {
    effects: ['read'],
    otherOptions: 'harmless',
    options: {
      '-o --output': 'write',
      '--compress-program': 'unknown',
      '-T --temporary-directory': 'write',
      '--files0-from': 'index',
      '--random-source': 'read',
      '-k --key -t --field-separator -S --buffer-size': 'text',
    },
    operands: 'read',
  },
  uniq: { effects: ['read'], otherOptions: 'harmless', options: { '-f -s -w': 'text' }, operands: ['read', 'write'] },
  tr: { effects: ['read'], otherOptions: 'harmless' },
  'cut fold fmt expand unexpand pr column': { effects: ['read'], otherOptions: 'harmless', operands: 'read' },
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
  shuf: {
    effects: ['read'],
    otherOptions: 'harmless',
    options: { '-o --output': 'write', '--random-source': 'read', '-i -n --input-range --head-count': 'text' },
    operands: 'read',
  },
  'seq expr factor yes numfmt': {
    effects: ['session'],
    otherOptions: 'harmless',
    operands: 'text',
  },
  iconv: {
    effects: ['read'],
    otherOptions: 'harmless',
    options: { '-o --output': 'write', '-f -t': 'text' },
    operands: 'read',
  },
}
