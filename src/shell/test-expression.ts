import type { TestExpression, Word } from 'unbash'
import { isName, readIndex } from './expansion.ts'
import type { Scope } from './scope.ts'
import { readWord } from './word.ts'

const ARITHMETIC = new Set(['-eq', '-ne', '-lt', '-le', '-gt', '-ge'])
/** Unary operators that ask about a file. */
const OF_FILES = /^-[abcdefghkprstuwxGLNOS]$/

/** `[[ … ]]`. Its number comparisons are arithmetic, and shells without it see commands and redirections. */
export function readTest(test: TestExpression, scope: Scope): void {
  const { reading } = scope
  switch (test.type) {
    case 'TestLogical':
      for (const operand of test.operands) readTest(operand, scope)
      // To them it is a command that is not found, and what follows `||` is run.
      if (test.operator === '||') reading.unknown('|| in [[, behind which another shell sees a command')
      return
    case 'TestNot':
      return readTest(test.operand, scope)
    case 'TestGroup':
      return readTest(test.expression, scope)
    case 'TestUnary': {
      const word = readWord(test.operand, scope)
      if ((test.operator === '-v' || test.operator === '-R') && !(word.literal && isName(word.text)))
        reading.unknown('a variable name that may hold code')
      if (OF_FILES.test(test.operator)) reading.add(reading.use(word, 'read'))
      return
    }
    case 'TestBinary':
      if (test.operator === '<' || test.operator === '>')
        reading.unknown('[[ with < or >, which another shell redirects')
      if (ARITHMETIC.has(test.operator)) for (const word of [test.left, test.right]) readNumber(word, scope)
      else {
        readWord(test.left, scope)
        readWord(test.right, scope)
      }
      return
    default:
      reading.unknown('a test that is not known')
  }
}

function readNumber(word: Word, scope: Scope): void {
  const [part] = word.parts ?? []
  if (word.parts?.length === 1 && part?.type === 'ArithmeticExpansion') return void readWord(word, scope)
  if (/^"?\$(\?|#|\{#[A-Za-z_][A-Za-z0-9_]*\})"?$/.test(word.text)) return
  readIndex(word, scope)
}
