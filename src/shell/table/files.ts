import type { CommandDocument } from '../../model/commands.ts'

/** Files and folders: reading, making, moving, removing. */
export const FILES: Readonly<Record<string, CommandDocument>> = {
  hexdump: {
    effects: ['read'],
    otherOptions: 'harmless',
    options: { '-f --format-file': 'read' },
    operands: 'read',
  },
  'cat tac nl rev od cksum md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum sum base32 base64': {
    effects: ['read'],
    otherOptions: 'harmless',
    operands: 'read',
  },
  xxd: {
    effects: ['read'],
    otherOptions: 'harmless',
    options: {
      '-c -g -l -n -s -o -R -cols -len -name -seek -offset': 'text',
      '-ps -postscript -plain -include -bits -autoskip -capitalize -EBCDIC -uppercase -revert -version': 'flag',
    },
    operands: ['read', 'write'],
  },
  'ls dir vdir stat df readlink realpath lsattr getfacl namei': {
    effects: ['read'],
    otherOptions: 'harmless',
    operands: 'list',
  },
  du: {
    effects: ['read'],
    otherOptions: 'harmless',
    options: { '--files0-from': 'index', '-X --exclude-from': 'read' },
    operands: 'list',
  },
  file: {
    effects: ['read'],
    otherOptions: 'harmless',
    options: { '-C --compile': { effects: ['write'] }, '-f --files-from': 'index', '-m --magic-file': 'tree' },
    operands: 'read',
  },
  tree: {
    effects: ['read'],
    otherOptions: 'harmless',
    options: { '-o': 'write', '-R --fromfile --fromtabfile --gitfile --infofile': 'unknown' },
    operands: 'list',
  },
  'basename dirname': { effects: ['session'], otherOptions: 'harmless' },
  'head tail': {
    effects: ['read'],
    otherOptions: 'harmless',
    options: { '-n --lines -c --bytes': 'text' },
    operands: 'read',
  },
  wc: { effects: ['read'], otherOptions: 'harmless', options: { '--files0-from': 'index' }, operands: 'read' },
  diff3: { effects: ['read'], options: { '-m -e -E -A -x -X -3 -a -T -i': 'flag' }, operands: 'read' },
  'cmp comm join paste': { effects: ['read'], otherOptions: 'harmless', operands: 'read' },
  'touch mkdir mkfifo': {
    effects: ['write'],
    otherOptions: 'harmless',
    options: {
      '-a -c -m -h -p -v -f --no-create --parents --verbose --no-dereference': 'flag',
      '-d --date -t --time --mode': 'text',
      '-r --reference': 'read',
      '-Z --context': 'maybe',
    },
    operands: 'write',
  },
  'rm unlink': {
    effects: ['delete'],
    otherOptions: 'harmless',
    options: {
      '-r -R -f -i -I -d -v --recursive --force --dir --verbose --one-file-system --no-preserve-root': 'flag',
      '--interactive --preserve-root': 'maybe',
    },
    operands: 'delete',
  },
  rmdir: {
    effects: ['delete'],
    otherOptions: 'harmless',
    options: { '-p -v --parents --verbose --ignore-fail-on-non-empty': 'flag' },
    operands: 'delete',
  },
  shred: {
    effects: ['write', 'delete'],
    options: {
      '-f -u -v -x -z --force --verbose --exact --zero': 'flag',
      '--remove': 'maybe',
      '-n --iterations -s --size': 'text',
      '--random-source': 'read',
    },
    operands: 'delete',
  },
  truncate: {
    effects: ['write'],
    otherOptions: 'harmless',
    options: { '-c -o --no-create --io-blocks': 'flag', '-s --size': 'text', '-r --reference': 'read' },
    operands: 'write',
  },
  cp: {
    effects: ['read', 'write'],
    otherOptions: 'harmless',
    options: {
      '-a -b -d -D -f -i -H -l -L -n -p -P -R -r -s -T -u -v -x -c -C --archive --force --recursive --verbose --update --link --symbolic-link --no-clobber --no-target-directory --dereference --no-dereference --parents --attributes-only --one-file-system':
        'flag',
      '--preserve --backup --reflink --sparse --no-preserve': 'maybe',
      '-m --mode -o --owner -g --group -S --suffix': 'text',
      '-t --target-directory': 'write',
    },
    operands: 'tree',
    last: 'write',
  },
  install: {
    effects: ['read', 'write'],
    options: {
      '-b -c -C -d -D -p -T -v --backup --directory --verbose': 'flag',
      '-m --mode -o --owner -g --group -S --suffix': 'text',
      '-t --target-directory': 'write',
    },
    operands: 'read',
    last: 'write',
  },
  mv: {
    effects: ['write'],
    otherOptions: 'harmless',
    options: {
      '-b -f -i -n -T -u -v --force --interactive --no-clobber --verbose --update --no-target-directory': 'flag',
      '--backup': 'maybe',
      '-S --suffix': 'text',
      '-t --target-directory': 'write',
    },
    operands: 'write',
  },
  'ln link symlink': {
    effects: ['write'],
    options: {
      '-b -d -F -f -i -L -n -P -r -s -T -v --symbolic --force --relative --no-dereference --verbose --no-target-directory':
        'flag',
      '-S --suffix': 'text',
      '-t --target-directory': 'write',
    },
    operands: 'read',
    last: 'write',
  },
  'chmod chown chgrp chattr setfacl': {
    effects: ['write'],
    otherOptions: 'harmless',
    options: {
      '-R -c -f -v -h -H -L -P --recursive --changes --silent --quiet --verbose --no-dereference --dereference --preserve-root':
        'flag',
      '--reference': 'read',
      '--from': 'text',
      '-m -x': 'text',
    },
    operands: ['text', 'write'],
  },
  'sync fsync': { effects: ['session'], operands: 'list' },
  mktemp: {
    effects: ['write'],
    options: { '-d -q -u -t --directory --quiet --dry-run': 'flag', '-p --tmpdir': 'maybe', '--suffix': 'text' },
    operands: 'write',
  },
  mknod: { effects: ['write'], options: { '-m --mode': 'text' }, operands: ['write', 'text'] },
  'mkfs mke2fs mkfs.ext4 mkfs.xfs wipefs fdisk parted sgdisk blkdiscard mkswap': {
    effects: ['write', 'delete', 'define'],
    otherOptions: 'harmless',
    operands: 'delete',
  },
  'mount swapon': {
    effects: ['define'],
    otherOptions: 'harmless',
    options: {
      '-l --show-labels -v --verbose -s --summary --show --noheadings --raw --bytes': 'flag',
      '-t --types': 'text',
      '-a --all -o --options -O -T --fstab -B --bind -R --rbind -M --move -f --fake -L --label -U --uuid --source --target --make-shared':
        { takes: 'maybe', effects: ['define'] },
    },
    operands: 'write',
    bare: ['read'],
  },
  'umount swapoff': { effects: ['define'], otherOptions: 'harmless', operands: 'write' },
  blkid: { effects: ['read'], options: { '-p -i -l -k': 'flag', '-s -t -o -L -U': 'text' }, operands: 'read' },
  'lsblk findmnt': { effects: ['read'], otherOptions: 'harmless', options: { '-F --tab-file': 'read' } },
}
