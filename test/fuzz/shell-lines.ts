// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are command lines.
import type { Chance } from './seed.ts'

/** Random command lines over a handful of harmless programs, and mutations of them: everything is a function of the seed. */

const FILES = [
  'a',
  'b',
  'c',
  'd/e',
  '*',
  './a',
  '"a"',
  "'b'",
  '$x',
  '"$x"',
  '{a,b}',
  'a?',
  '~/c',
  'd',
  '$(echo a)',
  '-',
  '--',
]
const READERS = [
  'cat',
  'ls',
  'head -1',
  'sort',
  'wc -l',
  'grep x',
  'sed -n p',
  'find .',
  'uniq',
  'tail',
  'cut -c1',
  'stat',
  'diff a',
  'sort -k $x',
  'find . -name $x',
  'head -n "$x"',
  'sed -n $x',
  'test -f',
  '[ a =',
  'printf %s',
  'echo ${x:1}',
  'echo $((x))',
  'read y <',
  'awk {print}',
  'declare y=$x;',
  'y=(a $x);',
  'env',
]
const WRITERS = [
  'touch',
  'rm',
  'rm -f',
  'cp a',
  'mv a',
  'tee',
  'sed -i s/x/y/',
  'sort -o',
  'ln -s a',
  'mkdir -p',
  'truncate -s 0',
]
const BEFORE = [
  '',
  '',
  '',
  '',
  '',
  '',
  '',
  '',
  '',
  '',
  '',
  '',
  'env',
  'command',
  'builtin',
  'exec',
  'nice',
  'nohup',
  'timeout 1',
  'xargs',
  'A=1',
  'LANG=C',
  '\\',
  '!',
  'time',
  'xargs -n1',
  'eval',
  'busybox',
  'find . -exec',
  'trap',
  'sh',
  '.',
  'set --',
]
const SEPARATORS = [';', '&&', '||', '|', '\n', ' & wait;', '|&', ';;', '\\\n', ' ']
const REDIRECTS = [
  '',
  '',
  '',
  '>n',
  '>>a',
  '<a',
  '2>&1',
  '>/dev/null',
  '<>b',
  '>&c',
  '&>n',
  '2>n',
  '>|a',
  '<<<x',
  '3>n',
  '{fd}>n',
  '>"$x"',
  '< <(echo x)',
  '> >(cat)',
]
/** Pieces a mutation throws in. */
const SHARDS = [
  "'",
  '"',
  '`',
  '$(',
  ')',
  '(',
  '{',
  '}',
  '[[',
  ']]',
  '((',
  '))',
  '$((',
  '${',
  '$',
  '\\',
  ';',
  '&',
  '|',
  '>',
  '<',
  '#',
  '\n',
  ' ',
  '\t',
  '~',
  '*',
  '?',
  '[',
  ']',
  '!',
  '=',
  '+=',
  'if ',
  'then ',
  'fi',
  'for i in ',
  'do ',
  'done',
  'case ',
  'in ',
  'esac',
  'function ',
  'touch n',
  'rm a',
  '>n',
  '<<E\n',
  '\nE\n',
  "$'",
  '$"',
  '\\x',
  '@',
  '%',
  '-',
  '--',
  ',',
  '..',
  'x=',
  'a[',
  '<(',
  '>(',
  '>&',
  '<<<',
  'é',
  '\r',
  '-exec',
  '{}',
  '\\;',
  'coproc ',
  'let ',
  'time ',
  '1',
  '0',
]

/** What `$x` may hold: options, several words, code. */
const VALUES = [
  "'a b'",
  '-delete',
  "'-o n a'",
  "'-i s/x/y/ a'",
  "'a -exec touch n ;'",
  "'a[$(touch n)]'",
  "'($(touch n))'",
  "'e touch n'",
  '--compress-program=x',
  "''",
]

/** A command line that a person might write, more or less. */
export function line(chance: Chance, depth = 0): string {
  if (depth === 0 && chance.below(3) === 0) return `x=${chance.of(VALUES)}; ${line(chance, 1)}`
  if (depth > 2 || chance.below(3) === 0) return simple(chance, depth)
  const inner = () => line(chance, depth + 1)
  const made: readonly (() => string)[] = [
    () => `${inner()}${chance.of(SEPARATORS)}${inner()}`,
    () => `${inner()}${chance.of(SEPARATORS)}${inner()}`,
    () => `(${inner()})`,
    () => `{ ${inner()}; }`,
    () => `if ${inner()}; then ${inner()}; else ${inner()}; fi`,
    () => `for x in a b; do ${inner()}; done`,
    () => `while false; do ${inner()}; done`,
    () => `case a in a) ${inner()};; b|c) ${inner()};; esac`,
    () => `f() { ${inner()}; }; f`,
    () => `x=${quoted(chance, inner())}; sh -c "$x"`,
    () => `sh -c ${quoted(chance, inner())}`,
    () => `bash -c ${quoted(chance, inner())}`,
    () => `eval ${quoted(chance, inner())}`,
    () => `trap ${quoted(chance, inner())} EXIT`,
    () => `sh <<E\n${inner()}\nE`,
    () => `sh <<'E'\n${inner()}\nE`,
    () => `cat <<E\n${inner()} $(${inner()}) \`${inner()}\`\nE`,
    () => `cat <<-"E"\n\t${inner()}\n\tE`,
    () => `cat <<< ${quoted(chance, inner())}`,
    () => `echo ${quoted(chance, inner())} | sh`,
    () => `echo "$(${inner()})"`,
    () => `echo \`${inner()}\``,
    () => `echo \${x:-$(${inner()})}`,
    () => `echo $((1 + $(${inner()})))`,
    () => `[[ a == a && -n $(${inner()}) ]]`,
    () => `find . -name a -exec ${inner()} {} \\;`,
    () => `echo a | xargs ${inner()}`,
    () => `! ${inner()}`,
    () => `time ${inner()}`,
    () => `${inner()} # ${inner()}`,
    () => `x=$(${inner()})`,
    () => `cat <(${inner()})`,
    () => `x='a[$(${inner()})]'; echo $((x))`,
    () => `awk ${quoted(chance, `BEGIN{system("${inner()}")}`)}`,
  ]
  return chance.of(made)()
}

function quoted(chance: Chance, text: string): string {
  if (chance.below(2) === 0) return `'${text.replaceAll("'", `'\\''`)}'`
  if (chance.below(3) === 0) return text.replace(/[^\w/.-]/g, (char) => (char === '\n' ? "'\n'" : `\\${char}`))
  return `"${text.replace(/["\\$`]/g, '\\$&')}"`
}

function simple(chance: Chance, depth: number): string {
  const writes = chance.below(4) === 0
  let program = chance.of(writes ? WRITERS : READERS)
  if (chance.below(8) === 0) program = disguised(chance, program)
  const words = Array.from({ length: 1 + chance.below(2) }, () => chance.of(FILES))
  const before = chance.of(BEFORE)
  const plain = `${before}${before === '' || before === '\\' ? '' : ' '}${program} ${words.join(' ')}`
  const redirect = writes && chance.below(2) === 0 ? '' : chance.of(REDIRECTS)
  return depth > 1 && chance.below(2) === 0 ? `echo ${chance.of(FILES)}` : `${plain} ${redirect}`.trim()
}

/** The same program, written otherwise. */
function disguised(chance: Chance, program: string): string {
  const [name = '', ...rest] = program.split(' ')
  const ways = [
    `\\${name}`,
    `${name[0]}''${name.slice(1)}`,
    `"${name}"`,
    `$'${name}'`,
    `$(echo ${name})`,
    `/usr/bin/${name}`,
    `${name[0]}\\\n${name.slice(1)}`,
    `{${name},}`,
  ]
  return [chance.of(ways), ...rest].join(' ')
}

/** The line with a few characters put in, taken out or doubled. */
export function mutated(chance: Chance, text: string): string {
  let changed = text
  for (let times = 1 + chance.below(4); times > 0; times--) {
    const at = chance.below(changed.length + 1)
    const until = Math.min(changed.length, at + 1 + chance.below(4))
    const way = chance.below(4)
    if (way === 0) changed = changed.slice(0, at) + changed.slice(until)
    else if (way === 1) changed = changed.slice(0, until) + changed.slice(at)
    else changed = changed.slice(0, at) + chance.of(SHARDS) + changed.slice(at)
  }
  return changed
}
