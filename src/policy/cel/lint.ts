import { EFFECTS } from '../../model/effects.ts'
import { writeOneOf } from '../suggest.ts'
import { LINEAR_MATCHES } from './environment.ts'
import { compilePattern } from './pattern.ts'
import { type ASTNode, pathOf, stringOf, walk } from './tree.ts'

/** What is wrong with a condition, with the character it starts at, from 0. */
export interface ConditionProblem {
  readonly offset: number
  readonly message: string
  readonly remedy: string
}

/** The maps that read "" where they have no entry: only their entries can be asked, one at a time. */
const DEFAULTED = /^(resource\.labels|principal\.claims|principal\.actor\.claims)$/
const DEFAULTED_ENTRY = /^(resource\.labels|principal\.claims|principal\.actor\.claims)\.[^.]+$/
/** Used whole, they would carry such a map out of sight. */
const WHOLE = /^(resource|principal|principal\.actor)$/

const PARTIES = ['human', 'agent', 'service']
/** Fields with a closed vocabulary: a comparison with a word outside it would never hold, so it is a mistake. */
const VOCABULARY: Readonly<Record<string, readonly string[]>> = {
  'op.effects': EFFECTS,
  'op.confidence': ['exact', 'partial', 'opaque'],
  'op.shape': ['call', 'stream'],
  'op.facts.kind': ['sql', 'shell', 'file', 'channel'],
  'op.facts.transfer': ['sftp', 'scp'],
  'op.facts.network': [
    'metadata',
    'link-local',
    'loopback',
    'private',
    'public',
    'special',
    'unresolved',
    'socket',
    '',
  ],
  'op.facts.dialect': ['postgres', 'mysql'],
  'principal.kind': PARTIES,
  'principal.actor.kind': [...PARTIES, ''],
}

/** Mistakes the types do not show: words outside a vocabulary, patterns, presence asked of what is never absent. */
export function lintTree(root: ASTNode): ConditionProblem[] {
  const problems: ConditionProblem[] = []
  const report: Report = (node, message, remedy) => problems.push({ offset: node.range.start, message, remedy })
  walk(root, (node, parent) => {
    if (node.op === '==' || node.op === '!=' || node.op === 'in') lintWords(node.args, report)
    if (node.op === 'in') lintMembership(node.args, report)
    if (node.op === 'call' && node.args[0] === 'has') lintPresence(node, node.args[1][0], report)
    if (node.op === 'id' || node.op === '.' || node.op === '[]') lintWhole(node, parent, report)
    if (node.op === 'rcall') lintCall(node, node.args, report)
  })
  return problems
}

function lintCall(node: ASTNode, [name, , args]: readonly [string, ASTNode, readonly ASTNode[]], report: Report): void {
  if (name === 'has' || name === 'only')
    for (const word of args.flatMap(literals)) lintWord(word, { words: EFFECTS, noun: 'an effect' }, report)
  if (name === 'matches') lintPattern(node, args, report)
  if (name === LINEAR_MATCHES) report(node, `There is no function ${LINEAR_MATCHES}.`, 'Write `matches`.')
}

function lintPresence(node: ASTNode, asked: ASTNode | undefined, report: Report): void {
  const path = asked && pathOf(asked)
  if (path === undefined || !DEFAULTED_ENTRY.test(path)) return
  report(node, `\`${path}\` is never absent: what is missing reads as "".`, `Write \`${path} != ""\`.`)
}

/** A claim may be missing, one text or a list; `claim()` makes a list of all three. */
function lintMembership([, list]: readonly [ASTNode, ASTNode], report: Report): void {
  const path = pathOf(list)
  if (path === undefined || !DEFAULTED_ENTRY.test(path) || path.startsWith('resource.')) return
  const [, party, name] = /^(.*)\.claims\.(.*)$/.exec(path)!
  report(list, `\`${path}\` may be missing or no list.`, `Write \`${party}.claim("${name}")\`.`)
}

function lintWhole(node: ASTNode, parent: ASTNode | undefined, report: Report): void {
  const path = pathOf(node)
  if (path === undefined) return
  const read = (parent?.op === '.' || parent?.op === '[]') && parent.args[0] === node
  const called = parent?.op === 'rcall' && parent.args[1] === node
  if (DEFAULTED.test(path) && !read)
    report(node, `\`${path}\` can only be asked for one entry.`, `Write \`${path}.NAME != ""\`.`)
  if (WHOLE.test(path) && !called && !(read && pathOf(parent) !== undefined)) {
    report(node, `\`${path}\` can only be asked for one field.`, `Write \`${path}.name\`.`)
  }
}

function lintWords([left, right]: readonly [ASTNode, ASTNode], report: Report): void {
  for (const [field, other] of [
    [left, right],
    [right, left],
  ] as const) {
    const path = pathOf(field)
    const words = path === undefined || !Object.hasOwn(VOCABULARY, path) ? undefined : VOCABULARY[path]
    if (words)
      for (const literal of literals(other)) lintWord(literal, { words, noun: `a value of \`${path}\`` }, report)
  }
}

interface Vocabulary {
  readonly words: readonly string[]
  readonly noun: string
}

function lintWord(node: ASTNode, { words, noun }: Vocabulary, report: Report): void {
  const word = stringOf(node)
  if (word !== undefined && !words.includes(word)) report(node, `"${word}" is not ${noun}.`, writeOneOf(word, words))
}

/** A literal, or the elements of a list. */
function literals(node: ASTNode): readonly ASTNode[] {
  return node.op === 'list' ? node.args : [node]
}

type Report = (node: ASTNode, message: string, remedy: string) => void

function lintPattern(call: ASTNode, args: readonly ASTNode[], report: Report): void {
  const pattern = stringOf(args[0])
  if (pattern === undefined) {
    report(
      call,
      '`matches` takes a pattern written out.',
      'Write the pattern as a literal: `op.text.matches("^DROP ")`.',
    )
    return
  }
  try {
    compilePattern(pattern)
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    report(args[0]!, `Not a pattern: ${message}.`, 'Write RE2 syntax: no look-around, no back-references.')
  }
}
