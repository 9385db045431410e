import { forEachChild, type ParsedScript, type SyntaxNode } from 'unbash'

/**
 * The second opinion on the parser's tree: between the words, redirections and expressions it found there may be nothing but blanks,
 * operators, reserved words and comments. So nothing of a line is left out of its reading.
 */
export function isSound(script: ParsedScript, source: string): boolean {
  const tokens: Token[] = []
  const tests: Token[] = []
  gather(script, tokens, tests)
  tokens.sort((a, b) => a.pos - b.pos)
  let at = script.pos
  let test = 0
  for (const token of [...tokens, { pos: script.end, end: script.end }]) {
    while (test < tests.length && tests[test]!.end <= at) test += 1
    const inTest = test < tests.length && tests[test]!.pos <= at && token.pos <= tests[test]!.end
    if (token.pos > at && !isGap(source, { pos: at, end: token.pos }, inTest)) return false
    at = Math.max(at, token.end)
  }
  return true
}

interface Token {
  readonly pos: number
  readonly end: number
}

function gather(node: SyntaxNode, tokens: Token[], tests: Token[]): void {
  switch (node.type) {
    case 'Word':
    case 'Assignment':
    case 'FileDescriptor':
    case 'FileDescriptorVariable':
    case 'HereDocDelimiter':
    case 'HereDocBody':
    case 'Time':
    case 'Negation':
    case 'ArithmeticCommand':
    case 'ArithmeticBinary':
    case 'ArithmeticUnary':
    case 'ArithmeticTernary':
    case 'ArithmeticGroup':
    case 'ArithmeticWord':
    case 'ArithmeticCommandExpansion':
      tokens.push(node)
      return
    case 'HereDoc':
      if (node.closing) tokens.push(node.closing)
      break
    case 'TestCommand':
      tests.push(node)
      break
    default:
  }
  forEachChild(node, (child) => gather(child, tokens, tests))
}

const BLANK = /(?:[ \t\n]|\\\n)+/y
const OPERATOR = /;;&|;&|;;|&&|\|\||\|&|&>>|&>|<<<|<<-|<<|<>|>>|>&|<&|>\||[;&|()<>{}]/y
const RESERVED =
  /(?:if|then|elif|else|fi|for|in|do|done|while|until|case|esac|select|function|coproc|\[\[|\]\])(?![^\s;&|()<>`])/y
const COMMENT = /#[^\n]*/y
/** What stands between the words of `[[ … ]]`. */
const TEST = /-[A-Za-z]{1,2}(?=\s)|==|=~|!=|!|=/y

function isGap(source: string, { pos, end }: Token, inTest: boolean): boolean {
  let at = pos
  // A comment starts a word: behind another character `#` is part of one.
  let open = pos === 0 || /[\s;&|()<>]/.test(source[pos - 1]!)
  while (at < end) {
    const next = step(source, at, { open, inTest })
    if (next === at) return false
    if (next > end) return /^\s*$/.test(source.slice(at, next))
    open = /[\s;&|()<>]/.test(source[next - 1]!)
    at = next
  }
  return at === end
}

function step(source: string, at: number, { open, inTest }: { open: boolean; inTest: boolean }): number {
  for (const pattern of [BLANK, OPERATOR, RESERVED, ...(open ? [COMMENT] : []), ...(inTest ? [TEST] : [])]) {
    pattern.lastIndex = at
    const found = pattern.exec(source)
    if (found) return at + found[0].length
  }
  return at
}
