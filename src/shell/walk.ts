import type {
  CommandNode,
  Coproc,
  Function as FunctionNode,
  ParsedScript,
  PipelineNode,
  Statement,
  TestExpression,
  Word,
} from 'unbash'
import { readCommand } from './command.ts'
import { readArithmetic } from './expansion.ts'
import { FUNCTIONS_MAX } from './limits.ts'
import { readRedirects } from './redirect.ts'
import type { Scope } from './scope.ts'
import { isSound } from './sound.ts'
import { readTest } from './test-expression.ts'
import { isMeaningfulToShells } from './variables.ts'
import { readWord } from './word.ts'

/** Reads every command of a script, whether or not it would be reached. */
export function readScript(script: ParsedScript, scope: Scope): void {
  const [error] = script.errors ?? []
  if (error !== undefined) scope.reading.unknown(`it does not parse: ${error.message}`)
  const source = script.source ?? scope.source
  if (!isSound(script, source)) scope.reading.unknown('a part of the line that is not read as a shell reads it')
  readStatements(script.commands, source === scope.source ? scope : { ...scope, source }, true)
}

function readStatements(statements: readonly Statement[], scope: Scope, direct = false): void {
  if (statements.length > 1) scope.reading.constructs.add('list')
  for (const statement of statements) {
    if (!scope.reading.step()) return
    if (statement.background) scope.reading.constructs.add('background')
    readNode(statement.command, scope)
    // Defined for sure, and for what follows: neither in a subshell nor behind a condition.
    if (direct && statement.command.type === 'Function' && !statement.background)
      scope.functions.add(statement.command.name.value)
  }
}

type Body =
  | Statement['command']
  | CommandNode
  | { readonly type: 'CompoundList'; readonly commands: readonly Statement[] }

/** One node of the tree; a kind that is not named here makes the line unknown. */
function readNode(node: Body, scope: Scope): void {
  const { reading } = scope
  switch (node.type) {
    case 'Command':
      return readCommand(node, scope)
    case 'Pipeline':
      if (node.commands.length > 1) reading.constructs.add('pipe')
      return readEach(node.commands, scope)
    case 'AndOr':
      reading.constructs.add('list')
      return readEach(node.commands, scope)
    case 'CompoundList':
      return readStatements(node.commands, scope)
    case 'Redirected':
      readRedirects(node.redirects, scope)
      return readNode(node.command, scope)
    case 'Subshell':
    case 'BraceGroup':
      reading.constructs.add('group')
      return readNode(node.body, scope)
    case 'If':
      reading.constructs.add('condition')
      readNode(node.clause, scope)
      readNode(node.then, scope)
      for (const branch of node.elif) {
        readNode(branch.clause, scope)
        readNode(branch.then, scope)
      }
      if (node.else) readNode(node.else, scope)
      return
    case 'While':
      reading.constructs.add('loop')
      readNode(node.clause, scope)
      return readNode(node.body, scope)
    case 'For':
    case 'Select':
      reading.constructs.add('loop')
      readLoopVariable(node.name, scope)
      readWords(node.wordlist ?? [], scope)
      return readNode(node.body, scope)
    case 'ArithmeticFor':
      reading.constructs.add('loop')
      for (const part of [node.initialize, node.test, node.update]) if (part) readArithmetic(part, scope)
      return readNode(node.body, scope)
    case 'Case':
      reading.constructs.add('condition')
      readWords([node.word], scope)
      for (const item of node.items) {
        readWords(item.pattern, scope)
        readNode(item.body, scope)
      }
      return
    case 'TestCommand':
      reading.constructs.add('condition')
      return readTest(node.expression as TestExpression, scope)
    case 'ArithmeticCommand':
      if (node.expression) readArithmetic(node.expression, scope)
      // Shells without it read two subshells and run the first word.
      return reading.unknown('((…)), which another shell runs as a command')
    case 'Function':
      return readFunction(node, scope)
    case 'Coproc':
      return readCoproc(node, scope)
    default:
      reading.unknown('a construct that is not known')
  }
}

function readEach(nodes: readonly PipelineNode[], scope: Scope): void {
  for (const node of nodes) {
    if (!scope.reading.step()) return
    readNode(node, scope)
  }
}

function readWords(words: readonly Word[], scope: Scope): void {
  for (const word of words) readWord(word, scope)
}

/** The variable of a loop is set as by `=`: to a name the shell acts on, it may be code. */
function readLoopVariable(word: Word, scope: Scope): void {
  const { text } = readWord(word, scope)
  if (isMeaningfulToShells(text)) scope.reading.unknown(`the variable ${text}`)
}

/** What moves the shell, or is read here for what it does to it: a function of that name would not do it. */
const REDEFINED = /^(cd|pushd|popd|set|unset|export|exit|return|break|continue|shift)$/

/** A body counts as run where it stands: called or not, its effects are the line's. */
function readFunction(node: FunctionNode, scope: Scope): void {
  const { reading } = scope
  reading.constructs.add('function')
  const name = readWord(node.name, scope)
  if (REDEFINED.test(name.text)) reading.unknown(`a function in place of ${name.text}`)
  if (scope.functions.size >= FUNCTIONS_MAX) return reading.unknown('too many functions')
  readNode(node.body, { ...scope, body: name.text, functions: new Set([...scope.functions, name.text]) })
}

function readCoproc(node: Coproc, scope: Scope): void {
  scope.reading.constructs.add('background')
  if (node.name) readWord(node.name, scope)
  readNode(node.body, scope)
  scope.reading.unknown('coproc, which another shell runs as a command')
}
