import { effects } from '../../model/effects.ts'
import type { Argument } from '../argument.ts'
import { mayBeOption } from '../argument.ts'
import type { Call } from '../call.ts'
import { takeOptions } from '../options.ts'
import { giveRole } from '../role.ts'
import { commandSpec } from '../spec.ts'
import { ENVIRONMENTS } from './processes.ts'

const READ = effects('read')
const EXECUTE = effects('execute')
const DEFINE = effects('define')

/** Programs that mostly look, and do more with some words. */

const JQ = commandSpec({
  effects: ['read'],
  options: {
    '-n -r -j -a -s -c -C -M -S -e -R -h -V --null-input --raw-output --join-output --ascii-output --slurp --compact-output --color-output --monochrome-output --sort-keys --exit-status --raw-input --raw-output0 --tab --stream --stream-errors --seq --unbuffered --help --version':
      'flag',
    '--indent': 'text',
  },
})
/** Words of the language that show the environment, and that read modules; fields of these names stand behind a dot. */
const JQ_ENVIRONMENT = /(^|[^.\w"])env\b|\$\s*ENV|\$__prog/
const JQ_MODULES = /\b(import|include|modulemeta|input_line_number|get_search_list)\b/

export function readJq(call: Call): void {
  call.add(READ)
  const [filter, ...files] = takeOptions(JQ, call)
  if (filter && !filter.literal) call.unknown('a filter that is known only when it runs')
  else if (filter && JQ_MODULES.test(filter.text)) call.unknown('a filter that reads modules')
  else if (filter && JQ_ENVIRONMENT.test(filter.text)) call.scope.reading.read(ENVIRONMENTS)
  for (const file of files) call.scope.reading.use(file, 'read')
}

const STRINGS = commandSpec({
  options: {
    '-a -f -w -h -v -V --all --print-file-name --include-all-whitespace --help --version -o': 'flag',
    '-n -t -e -T -s --bytes --radix --encoding --target --output-separator': 'text',
  },
})

/** `strings`, as all of its family, takes more words from a file when one starts with `@`. */
export function readStrings(call: Call): void {
  call.add(READ)
  for (const word of takeOptions(STRINGS, call)) giveRole(/^[^@]/.test(word.prefix) ? 'read' : 'index', word, call)
}

/** `less`, `more`: on no terminal they print their files; a word with `+` is typed for the reader. */
export function readPager(call: Call): void {
  call.add(READ)
  for (const word of call.words) {
    if (mayBeOption(word) || /^\+/.test(word.text)) call.unknown('a word a pager may take for a command')
    else if (/^-/.test(word.text)) {
      if (!/^-[eEFiINnRrSsXgGqQ]+$|^--?$/.test(word.text)) call.unknown(`the option ${word.text} of a pager`)
    } else call.scope.reading.use(word, 'read')
  }
}

/** `man`: pages of the system by their names. A page from a file may hold what a formatter runs. */
export function readMan(call: Call): void {
  call.add(READ)
  for (const { literal, text } of call.words)
    if (!literal || !/^([\w.+:@[][\w.+:@-]*|-[kfaw]|--(apropos|whatis|all|where))$/.test(text))
      call.unknown(`man ${text}`)
}

/** `crontab -l` shows the table of jobs; anything else makes one. */
export function readCrontab(call: Call): void {
  const [first, ...rest] = call.words
  if (first?.literal && first.text === '-l' && rest.length === 0) return call.add(READ)
  const operands = takeOptions(CRONTAB, call)
  call.add(effects('define', 'execute'))
  for (const file of operands) giveRole('read', file, call)
}

const CRONTAB = commandSpec({
  options: { '-u': 'user', '-l -i': 'flag', '-r': { effects: ['delete'] }, '-e': 'unknown' },
})

const IP_OPTIONS =
  /^-(4|6|0|s|d|h|j|p|o|r|a|c|br|brief|json|pretty|oneline|statistics|stats|details|human|resolve|all|color)$/
const IP_OBJECTS = /^(a|addr|address|l|link|r|ro|route|rule|ru|n|neigh|neighbor|neighbour|maddr|maddress|tunnel|netns)$/
/** `s` alone is `set` to links. */
const IP_SHOWS = /^(show|sh|list|lst|ls|l)$/
const IP_S = /^(a|addr|address|r|ro|route|n|neigh)$/

/** `ip`: shows what it is told to show; the rest sets addresses and routes, or runs something elsewhere. */
export function readIp(call: Call): void {
  const { words } = call
  if (!words.every((word) => word.literal)) return call.unknown('a word that may be an option')
  const rest = words.map(({ text }) => text)
  while (rest[0]?.startsWith('-')) if (!IP_OPTIONS.test(rest.shift()!)) return call.unknown('an option of ip')
  const [object, verb = 'show'] = rest
  if (object === undefined) return call.add(READ)
  if (!IP_OBJECTS.test(object)) return call.unknown(`ip ${object}`)
  const shows =
    IP_SHOWS.test(verb) || (verb === 's' && IP_S.test(object)) || (verb === 'get' && /^ro?$|^route$/.test(object))
  if (shows) return call.add(READ)
  call.add(DEFINE)
  if (object === 'netns' || !/^(add|a|del|delete|d|change|c|replace|append|set|flush|f)$/.test(verb)) {
    call.add(EXECUTE)
    call.unknown(`ip ${object} ${verb}`)
  }
}

/** `sysctl`: shows settings by name; with a value, or a file, it sets them. */
export function readSysctl(call: Call): void {
  const shows = ({ literal, text }: Argument) =>
    literal && /^(-[anNedbA]+|--(all|names|values|ignore)|\w[\w./*-]*)$/.test(text)
  if (call.words.length > 0 && call.words.every(shows)) return call.add(READ)
  call.add(DEFINE)
  for (const word of call.words)
    if (!word.literal || /^-[^wqne]|^--(load|system|pattern)/.test(word.text)) call.unknown('settings from files')
}

/** `nginx -t` reads its settings, `-v` names itself; alone it starts, with `-s` it stops or starts anew. */
export function readNginx(call: Call): void {
  const looks = ({ literal, text }: Argument) => literal && /^-[vVtTqh?]+$/.test(text)
  if (call.words.length > 0 && call.words.every(looks)) {
    if (call.words.some(({ text }) => /[tT]/.test(text))) call.scope.reading.read('/etc/nginx/**')
    return call.add(READ)
  }
  call.add(EXECUTE)
  const [signal, name, ...rest] = call.words
  const signals = signal?.literal && signal.text === '-s' && name?.literal && rest.length === 0
  if (call.words.length > 0 && !signals) call.unknown('settings of nginx that are not its own')
}

/** `service NAME status` asks; any other word makes it do something. */
export function readService(call: Call): void {
  const [name, action, ...rest] = call.words
  const asks = name?.text === '--status-all' ? action === undefined : action?.text === 'status' && rest.length === 0
  if (asks && call.words.every((word) => word.literal) && /^[\w@-][\w.@-]*$/.test(name?.text ?? ''))
    return call.add(READ)
  call.add(EXECUTE)
}

const DIFF = commandSpec({
  otherOptions: 'harmless',
  options: {
    '-r --recursive': 'flag',
    '--from-file --to-file -X --exclude-from': 'read',
    '-U -C -W -x -I -F -S --label --exclude --starting-file --ignore-matching-lines --show-function-line': 'text',
  },
})

/** `diff`: of two folders it compares the files in them, and with `-r` all below. */
export function readDiff(call: Call): void {
  call.add(READ)
  const { reading } = call.scope
  const whole = call.words.some((word) => mayBeOption(word) || /^-[^-]*r|^--r/.test(word.prefix))
  const names = takeOptions(DIFF, call)
  for (const name of names) {
    reading.use(name, whole ? 'tree' : 'read')
    // What has no ending may be a folder.
    if (whole || name.pipe || !name.literal || /\.(?!d$)[a-zA-Z]\w*$/.test(name.text)) continue
    for (const inside of ['*', '.*']) reading.use({ ...name, files: [`${name.text}/${inside}`] }, 'read')
  }
}
