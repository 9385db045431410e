import { expect, test } from 'vitest'
import { sshString } from '../../kit/ssh-wire.ts'
import { effectNames } from '../../model/effects.ts'
import { placesOf, scpOrder } from './scp-order.ts'
import { transferOperation } from './transfer-order.ts'

test.each([
  ['rsync --server -vlogDtpre.iLsfxCIvu . /srv/x', 'rsync put', 'write,import'],
  ['rsync --server --sender -vlogDtpre.iLsfxCIvu . /srv/x y', 'rsync get', 'read,export'],
  ['rsync --server -logDtpre.iLsfxCIvu --delete --partial . /srv/x/', 'rsync put', 'write,delete,import'],
  ["git-upload-pack '/srv/r.git'", 'git fetch', 'read,export'],
  ["git upload-pack '/srv/r.git'", 'git fetch', 'read,export'],
  ["git-receive-pack '/srv/it'\\''s.git'", 'git push', 'write,execute,import'],
])('%s moves files', (line, verb, names) => {
  const operation = transferOperation(sshString(line))
  expect([operation?.verb, effectNames(operation?.effects ?? 0).join(',')]).toEqual([verb, names])
})

test.each([
  'rsync -a /x /y',
  'rsync --server -e sh . /x',
  'rsync --server --rsh=sh . /x',
  'rsync --server --log-file=/etc/x . /x',
  'rsync --server --temp-dir=/etc . /x',
  'rsync --server -logD --files-from=/etc/passwd . /x',
  'rsync --server -logD . /x; rm -rf /',
  'rsync --server -logD . $(id)',
  'rsync --server -logD . `id`',
  'rsync --server -logD . /x\nid',
  'rsync --server -logD /x /y',
  'rsync --server -logD . --daemon',
  "git-upload-pack '/r' '/s'",
  "git-upload-pack '--exec=sh'",
  'git-upload-pack /r*',
  'git-shell -c x',
  "/tmp/git-upload-pack '/r'",
  'PATH=/tmp git-upload-pack /r',
  '"git-upload-pack" "$x"',
  '~/git-upload-pack /r',
])('D3 D4: %s is no transfer but a command', (line) => {
  expect(transferOperation(sshString(line))).toBeUndefined()
})

test.each([
  ['scp -t /srv/x', 'put', ['/srv/x', '/srv/x/n']],
  ['scp -d -t /srv/x', 'put', ['/srv/x/n']],
  ['scp -v -p -t -- /srv/x/', 'put', ['/srv/x/n']],
  ['scp -f /srv/x/n', 'get', ['/srv/x/n']],
  ['scp -f /srv/*.log', 'get', ['/srv/n']],
  ['scp -f /a/n /b/n', 'get', ['/a/n', '/b/n']],
  ['scp -t x/../../y', 'put', ['~/../y', '~/../y/n']],
  ['scp -f ~/n', 'get', ['~/n']],
  ['scp -f /../../etc/n', 'get', ['/etc/n']],
])('%s: where its files may lie', (line, direction, places) => {
  const order = scpOrder(sshString(line))!
  expect([order.direction, placesOf(order, [], 'n')]).toEqual([direction, places])
})

test.each([
  'scp /a /b',
  'scp -t',
  'scp -tf /x',
  'scp -S sh -t /x',
  'scp -o x -t /x',
  'scp -t /x /y',
  'scp -t $(id)',
  'scp -t "$x"',
  'scp -t {a,b}',
  'scp -t /x; id',
  'scp -f /x | sh',
  'scp -t -x',
  '/tmp/scp -t /x',
  'scp* -t /x',
])('%s is no order of scp but a command', (line) => {
  expect(scpOrder(sshString(line))).toBeUndefined()
})

test('a line that is not UTF-8 is neither', () => {
  const line = sshString(Buffer.from('scp -t /x\xff', 'latin1'))
  expect([scpOrder(line), transferOperation(line)]).toEqual([undefined, undefined])
})
