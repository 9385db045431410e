import type {
  ArithmeticExpansionPart,
  ArithmeticExpression,
  CommandExpansionPart,
  ParameterExpansionPart,
  ParameterOperation,
  ProcessSubstitutionPart,
  SimpleExpansionPart,
  Word,
} from 'unbash'
import { inside, type Scope } from './scope.ts'
import { readWord } from './word.ts'

export type Expansion =
  | SimpleExpansionPart
  | ParameterExpansionPart
  | CommandExpansionPart
  | ArithmeticExpansionPart
  | ProcessSubstitutionPart

const NUMBER = /^(0[xX][0-9a-fA-F]+|[0-9]+|[0-9]+#[0-9a-zA-Z]+)$/
/** Parameters a shell itself keeps as numbers. */
const OWN_NUMBERS = /^(#|\?|\$|!)$/
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Reads an expansion for what it runs; its value is never known. */
export function readExpansion(part: Expansion, scope: Scope): void {
  const { reading } = scope
  switch (part.type) {
    case 'SimpleExpansion':
      reading.constructs.add('variable')
      return
    case 'ParameterExpansion':
      reading.constructs.add('variable')
      return readParameter(part, scope)
    case 'CommandExpansion':
    case 'ProcessSubstitution': {
      reading.constructs.add('substitution')
      const within = inside(scope, part.type === 'CommandExpansion' ? '$(…)' : `${part.operator}(…)`)
      if (part.script === undefined) reading.unknown('a substitution that is not read')
      else if (within) scope.steps.script(part.script, within)
      return
    }
    case 'ArithmeticExpansion':
      reading.constructs.add('arithmetic')
      return readArithmetic(part.expression, scope)
    default:
      reading.unknown('an expansion that is not known')
  }
}

function readParameter(part: ParameterExpansionPart, scope: Scope): void {
  const { reading } = scope
  const { operation } = part
  // What the variable holds is taken for a name, and code in an index within it would run.
  if (part.prefix === '!' && operation?.type !== 'Names') reading.unknown('a variable whose name another one holds')
  if (!/^([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])$/.test(part.parameter))
    reading.unknown('a parameter that is not read')
  if (part.index !== undefined) readIndex(part.index, scope)
  if (operation !== undefined) readOperation(operation, scope)
}

function readOperation(operation: ParameterOperation, scope: Scope): void {
  switch (operation.type) {
    case 'Default':
    case 'Remove':
      readWord(operation.operand, scope)
      return
    case 'CaseModification':
      if (operation.operand) readWord(operation.operand, scope)
      return
    case 'Replace':
      readWord(operation.pattern, scope)
      readWord(operation.replacement, scope)
      return
    case 'Slice':
      readIndex(operation.offset, scope)
      if (operation.length) readIndex(operation.length, scope)
      return
    case 'Transform':
      // ${x@P} runs the substitutions in a variable's value.
      if (!/^[QULuE]$/.test(operation.operand.value)) scope.reading.unknown('a transformation that may run a value')
      return
    case 'Names':
      return
    default:
      scope.reading.unknown('an expansion that is not known')
  }
}

/** An index or a slice is arithmetic; `@` and `*` stand for all. */
export function readIndex(word: Word, scope: Scope): void {
  const text = word.text.trim()
  if (text === '@' || text === '*' || /^-?[0-9]+$/.test(text)) return
  readWord(word, scope)
  if (!scope.reading.numbers.has(text.replace(/^\$/, '')))
    scope.reading.unknown('arithmetic on a value that may hold code')
}

/**
 * Arithmetic evaluates what a variable holds: `a[$(rm x)]` in a value runs `rm`. So every operand has to be a number, or a variable
 * that nothing but numbers is ever put into.
 */
export function readArithmetic(expression: ArithmeticExpression | undefined, scope: Scope): void {
  const { reading } = scope
  switch (expression?.type) {
    case 'ArithmeticBinary':
      readArithmetic(expression.left, scope)
      return readArithmetic(expression.right, scope)
    case 'ArithmeticUnary':
      return readArithmetic(expression.operand, scope)
    case 'ArithmeticTernary':
      readArithmetic(expression.test, scope)
      readArithmetic(expression.consequent, scope)
      return readArithmetic(expression.alternate, scope)
    case 'ArithmeticGroup':
      return readArithmetic(expression.expression, scope)
    case 'ArithmeticCommandExpansion': {
      const within = inside(scope, '$(…)')
      if (expression.script !== undefined && within) scope.steps.script(expression.script, within)
      return reading.unknown('arithmetic on a value that may hold code')
    }
    case 'ArithmeticWord': {
      for (const part of expression.parts ?? [])
        if (part.type !== 'Literal' && part.type !== 'SimpleExpansion') readInArithmetic(part, scope)
      const bare = expression.value.replace(/^\$/, '').replace(/^\{(.*)\}$/, '$1')
      if (NUMBER.test(bare) || reading.numbers.has(bare)) return
      if (expression.value.startsWith('$') && OWN_NUMBERS.test(bare)) return
      if (/^\$\{#[A-Za-z_][A-Za-z0-9_]*\}$/.test(expression.value)) return
      return reading.unknown('arithmetic on a value that may hold code')
    }
    default:
      reading.unknown('arithmetic that is not read')
  }
}

function readInArithmetic(part: { readonly type: string }, scope: Scope): void {
  const { type } = part
  if (type === 'ParameterExpansion' || type === 'CommandExpansion' || type === 'ArithmeticExpansion')
    return readExpansion(part as Expansion, scope)
  scope.reading.unknown('arithmetic that is not read')
}

/** True for a name a variable can have: anything else handed to `read` or `printf -v` could carry an index, and code in it. */
export function isName(text: string): boolean {
  return NAME.test(text)
}
