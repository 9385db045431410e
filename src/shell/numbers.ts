import { type Command, forEachChild, type ParsedScript, type SyntaxNode, type Word } from 'unbash'
import { isName } from './expansion.ts'

const NUMBER = /^-?[0-9]+$/
const RANGE = /^\{-?[0-9]+\.\.-?[0-9]+(\.\.-?[0-9]+)?\}$/
/** Builtins that put what they read into variables named as words. */
const FILLS = new Set(
  'read mapfile readarray getopts printf wait let declare local typeset export readonly coproc'.split(' '),
)

/** Variables of a script that nothing but numbers is ever put into, wherever in it that happens. */
export function numberVariables(script: ParsedScript): ReadonlySet<string> {
  const numbers = new Set<string>()
  const others = new Set<string>()
  const put = (name: string, number: boolean) => (number ? numbers : others).add(name)
  const visit = (node: SyntaxNode): void => {
    if (node.type === 'Assignment')
      put(node.name, node.value.type === 'Word' && node.index === undefined && isNumber(node.value))
    else if (node.type === 'For')
      put(node.name.value, (node.wordlist ?? []).length > 0 && node.wordlist!.every(isNumber))
    else if (node.type === 'ArithmeticBinary' && node.operator === '=' && node.left.type === 'ArithmeticWord')
      put(node.left.value, true)
    else if (node.type === 'Select') put(node.name.value, false)
    else if (node.type === 'ParameterExpansion' && node.operation?.type === 'Default') put(node.parameter, false)
    else if (node.type === 'Command') for (const name of filled(node)) put(name, false)
    forEachChild(node, visit)
  }
  visit(script)
  for (const name of others) numbers.delete(name)
  return numbers
}

function isNumber(word: Word): boolean {
  if (NUMBER.test(word.text) || RANGE.test(word.text)) return true
  return word.parts?.length === 1 && word.parts[0]!.type === 'ArithmeticExpansion'
}

function filled(command: Command): string[] {
  const words = [command.name, ...command.args].filter((each) => each?.type === 'Word')
  if (!words.some((word) => FILLS.has(word.value))) return []
  return words.map((word) => word.value).filter(isName)
}
