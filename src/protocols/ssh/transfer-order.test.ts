import { expect, test } from 'vitest'
import { sshString } from '../../kit/ssh-wire.ts'
import { effectNames } from '../../model/effects.ts'
import { placesOf, scpOrder } from './scp-order.ts'
import { transferOperation } from './transfer-order.ts'

test.each([
  ['rsync --server -vlogDtpre.iLsfxCIvu . /srv/x', 'rsync put', 'write,grant,import'],
  ['rsync --server -rltvze.iLsfxCIvu . /srv/x', 'rsync put', 'write,import'],
  ['rsync --server -rltXe.iLsfxCIvu . /srv/x', 'rsync put', 'write,grant,import'],
  ['rsync --server --sender -vlogDtpre.iLsfxCIvu . /srv/x y', 'rsync get', 'read,export'],
  ['rsync --server -logDtpre.iLsfxCIvu --delete --partial . /srv/x/', 'rsync put', 'write,delete,grant,import'],
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
  'rsync --server --sender -logDtprse.iLsfxCIvu . /srv/ok',
  'rsync --server -T . /etc x',
  'rsync --server -rB . /etc x',
  'rsync --server -rf . /etc x',
  'rsync --server -rM . /etc x',
  'rsync --server -logD . =ls',
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
  ['scp -f ~/n', 'get', ['~/n']],
  ['scp -f n', 'get', ['~/n']],
  ["scp -f '~/a/n'", 'get', ['~/~/a/n']],
  ['scp -t ~', 'put', ['~', '~/n']],
  ['scp -f /../../etc/n', 'get', ['/etc/n']],
  ['scp -f /a//./b/n', 'get', ['/a/b/n']],
])('%s: where its files may lie', (line, direction, places) => {
  const order = scpOrder(sshString(line))!
  expect([order.direction, placesOf(order, [], 'n')]).toEqual([direction, { names: places, sure: true }])
})

test.each([
  ['scp -t x/../../y', ['**/y', '**/y/n']],
  ['scp -t ..', ['**', '**/n']],
  ['scp -f ../n', ['**/n']],
  ['scp -f ~/../n', ['?']],
  ['scp -f ~', ['?']],
  ['scp -f ~root/n', ['?']],
  ['scp -f ~+/n', ['?']],
  ['scp -f /srv/../etc/n', ['/etc/n', '**/etc/n']],
  ['scp -f /srv/.*/n', ['?']],
  ['scp -f /srv/..*/n', ['?']],
])('D11: %s may lie where nobody knows', (line, places) => {
  expect(placesOf(scpOrder(sshString(line))!, [], 'n')).toEqual({ names: places, sure: false })
})

const RSYNC = 'rsync --server --sender -vlogDtpre.iLsfxCIvu .'

test.each([
  [`${RSYNC} /srv/x`, ['/srv/x/**'], true],
  [`${RSYNC} /srv/`, ['/srv/**'], true],
  [`${RSYNC} /srv//./x`, ['/srv/x/**'], true],
  [`${RSYNC} x ~/y`, ['~/x/**', '~/y/**'], true],
  [`${RSYNC} ./~/y`, ['~/~/y/**'], true],
  [`${RSYNC} \\~/y`, ['~/~/y/**'], true],
  [`${RSYNC} :x/y ::m/z`, ['~/:x/y/**', '~/::m/z/**'], true],
  [`${RSYNC} /srv/%2e%2e/x`, ['/srv/%2e%2e/x/**'], true],
  [`${RSYNC} /srv/../etc/shadow`, ['/etc/shadow/**', '**/etc/shadow/**'], false],
  [`${RSYNC} /srv/./../etc/shadow`, ['/etc/shadow/**', '**/etc/shadow/**'], false],
  [`${RSYNC} /srv/\\.\\./etc`, ['/etc/**', '**/etc/**'], false],
  [`${RSYNC} ~/../x`, ['?'], false],
  [`${RSYNC} ../x`, ['**/x/**'], false],
  [`${RSYNC} /srv/..*/etc`, ['?'], false],
  ['rsync --server --sender -e.iLsfxCIvu . /srv/x', ['/srv/x'], true],
  ['rsync --server --sender -rLe.iLsfxCIvu . /srv/x', ['/srv/x/**', '**'], true],
  ['rsync --server --sender -rke.iLsfxCIvu . /srv/x', ['/srv/x/**', '**'], true],
  ['rsync --server --sender -re.i --copy-unsafe-links . /srv/x', ['/srv/x/**', '**'], true],
  ['rsync --server -tKe.i . /srv/x', ['/srv/x/**', '**'], true],
  ['rsync --server -te.i . /srv/pub/../../tmp/w', ['/tmp/w/**', '**/tmp/w/**'], false],
  ["git-upload-pack '/srv/r.git'", ['/srv/r.git'], true],
  ["git-upload-pack 'r.git'", ['~/r.git'], true],
  ["git-upload-pack '~/r.git'", ['~/r.git'], true],
  ["git-upload-pack '/srv/../tmp/r.git'", ['/tmp/r.git', '**/tmp/r.git'], false],
  ["git-upload-pack '~root/r.git'", ['?'], false],
  ["git-receive-pack '~/../r.git'", ['?'], false],
])('D10: %s: its names', (line, names, sure) => {
  const operation = transferOperation(sshString(line))!
  expect(operation.objects.map(({ name }) => name)).toEqual(names)
  expect(operation.confidence).toBe(sure ? 'exact' : 'opaque')
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
