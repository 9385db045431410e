import { effects } from '../../model/effects.ts'
import { type Argument, literal } from '../argument.ts'
import type { Call } from '../call.ts'
import { takeOptions } from '../options.ts'
import { giveRole } from '../role.ts'
import { commandSpec } from '../spec.ts'

const IMPORT = effects('connect', 'import')
const SENDS = effects('export', 'write')
const METHOD: Readonly<Record<string, number>> = { GET: 0, HEAD: 0, OPTIONS: 0, DELETE: effects('delete') }

const CURL = commandSpec({
  options: {
    '-s -S -f -L -k -i -I -v -g -4 -6 -O -J -G -N -# -0 -1 -2 -3 -p -R --silent --show-error --fail --fail-with-body --location --insecure --include --head --verbose --globoff --compressed --remote-name --remote-name-all --remote-header-name --get --no-buffer --progress-bar --http1.1 --http2 --http2-prior-knowledge --tlsv1.2 --tlsv1.3 --create-dirs --no-progress-meter --path-as-is --raw --tcp-nodelay --ipv4 --ipv6 --retry-connrefused --retry-all-errors':
      'flag',
    '-o --output': 'output',
    '--output-dir': 'write',
    '-D --dump-header --trace --trace-ascii -c --cookie-jar --stderr --etag-save': 'output',
    '-d --data --data-ascii --data-binary --data-raw --data-urlencode --json -F --form --form-string': 'text',
    '-T --upload-file': 'read',
    '-X --request': 'text',
    '-H --header -A --user-agent -e --referer -u --user -m --max-time --connect-timeout --retry --retry-delay --retry-max-time -r --range -w --write-out --limit-rate -Y -y --max-redirs -z --oauth2-bearer --ciphers --max-filesize --interface':
      'text',
    '-b --cookie': 'read',
    '--cacert --capath -E --cert --key --netrc-file --crlfile --etag-compare': 'read',
    '-n --netrc --netrc-optional': { effects: ['read'] },
    '--url -x --proxy --preproxy --socks5 --socks5-hostname --socks4 --resolve --connect-to --doh-url': 'url',
  },
  operands: 'url',
})
const CURL_BODY = /^(-[a-zA-Z#0-9]*[dFT]|--(data|json|form|upload).*)/

/** `curl`: a method and a body decide what it does there, `-o` and `-T` what it does here. */
export function readCurl(call: Call): void {
  call.add(IMPORT)
  const operands = takeOptions(CURL, call)
  for (const url of operands) giveRole('url', url, call)
  const { words } = call
  for (const [at, word] of words.entries()) {
    const { text } = word
    if (CURL_BODY.test(text)) {
      call.add(SENDS)
      for (const body of [word, words[at + 1]]) readBody(body, call)
    }
    if (/^(-[a-zA-Z]*X|--req)/.test(text)) call.add(methodOf(word, words[at + 1]))
    if (/^(-[a-zA-Z]*[OJ]|--remote-name)/.test(text)) call.add(call.scope.reading.use(literal('.'), 'write'))
    // What follows the sign is read from a file; "%{output{…}}" of -w writes one.
    if (/^(-[a-zA-Z]*H|--header)/.test(text) && words[at + 1]?.text.startsWith('@')) readBody(words[at + 1], call)
    if (text.includes('output{')) call.unknown('a file curl writes')
    if (/^(-[a-zA-Z]*H@|--header=@)/.test(text)) call.unknown('headers in a file')
    if (/^(-[a-zA-Z]*w|--write-out)/.test(text) && /^@|@/.test(`${words[at + 1]?.text ?? ''}`.slice(0, 1)))
      call.unknown('what curl prints is in a file')
  }
}

function readBody(word: Argument | undefined, call: Call): void {
  if (word === undefined) return
  if (!word.literal) return
  const file = /(?:^|=|;|^[^=]*)[@<]([^;]+)/.exec(word.text)?.[1]
  if (file !== undefined && file !== '-') call.add(call.scope.reading.useText(file, 'read'))
}

function methodOf(option: Argument, next: Argument | undefined): number {
  const attached = /^(?:-[a-zA-Z]*X|--req[a-z]*=?)([A-Za-z]+)$/.exec(option.text)?.[1]
  const method = attached ?? (next?.literal ? next.text : '')
  return METHOD[method.toUpperCase()] ?? effects('write', 'export')
}

const WGET = commandSpec({
  options: {
    '-q -nv -v -c -N -S -r -np -nd -nH -k -p -4 -6 -x -m --quiet --no-verbose --verbose --continue --timestamping --server-response --recursive --no-parent --no-directories --no-check-certificate --spider --content-disposition --no-cache --show-progress --no-clobber -nc --mirror --https-only':
      'flag',
    '-O --output-document -o --output-file -a --append-output -P --directory-prefix --save-cookies': 'output',
    '-i --input-file': 'index',
    '--load-cookies --ca-certificate --certificate --private-key': 'read',
    '-t -T -w -l -A -R -D -U --tries --timeout --wait --level --accept --reject --domains --user-agent --header --user --password --referer --waitretry --limit-rate --progress --max-redirect':
      'text',
    '--post-data --body-data': { takes: 'text', effects: ['export', 'write'] },
    '--post-file --body-file': { takes: 'read', effects: ['export', 'write'] },
    '--method': { takes: 'text', effects: ['export', 'write', 'delete'] },
  },
  operands: 'url',
})

/** `wget` writes what it fetches into this folder unless told otherwise. */
export function readWget(call: Call): void {
  call.add(IMPORT)
  const operands = takeOptions(WGET, call)
  for (const url of operands) giveRole('url', url, call)
  const elsewhere = call.words.some((word) => /^(-[a-zA-Z]*[OP]|--output-d|--directory-p|--spider)/.test(word.text))
  if (!elsewhere) call.add(call.scope.reading.use(literal('.'), 'write'))
}
