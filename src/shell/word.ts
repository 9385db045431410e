import type { DoubleQuotedChild, Word, WordPart } from 'unbash'
import type { Argument } from './argument.ts'
import { readExpansion } from './expansion.ts'
import { isPlain, isTiled, unescapeQuoted, unescapeWord } from './literal.ts'
import type { Scope } from './scope.ts'

/** What a word's parts add up to. */
interface Gathered {
  text: string
  literal: boolean
  prefix: string
  splits: boolean
  several: boolean
  pattern: boolean
  /** A part of it is neither literal nor a pattern. */
  open: boolean
  pipe: boolean
}

/** Reads one word, and the commands in its substitutions. What the parser calls literal is checked to be. */
export function readWord(word: Word, scope: Scope): Argument {
  const gathered: Gathered = {
    text: '',
    literal: true,
    prefix: '',
    splits: false,
    several: false,
    pattern: false,
    open: false,
    pipe: false,
  }
  if (word.parts === undefined) addPlain(word.text, word.value, gathered, scope)
  else {
    if (!isTiled(word)) scope.reading.unknown('a word that is not read as a shell reads it')
    for (const part of word.parts) addPart(part, gathered, scope)
  }
  // Only patterns whose words stay names: an expansion could bring in anything.
  const { open, ...read } = gathered
  return { ...read, pattern: read.pattern && read.several && !read.splits && !open }
}

function addPlain(written: string, value: string, gathered: Gathered, { reading }: Scope): void {
  const text = unescapeWord(written)
  if (text !== value || !isPlain(written)) reading.unknown('a word that is not read as a shell reads it')
  addLiteral(text, gathered)
}

function addLiteral(text: string, gathered: Gathered): void {
  gathered.text += text
  if (gathered.literal) gathered.prefix += text
}

/** Something known only when it runs; `written` is shown in its place. */
function addOpen(written: string, gathered: Gathered): void {
  gathered.text += written
  gathered.literal = false
}

function addPart(part: WordPart, gathered: Gathered, scope: Scope): void {
  const { reading } = scope
  switch (part.type) {
    case 'Literal':
      return addPlain(part.text, part.value, gathered, scope)
    case 'SingleQuoted':
      if (part.text !== `'${part.value}'` || part.value.includes("'"))
        reading.unknown('quotes that are not read as a shell reads them')
      return addLiteral(part.value, gathered)
    case 'AnsiCQuoted':
      // Shells without this kind of quotes see the string end at the quoted quote, and commands behind it.
      if (part.text.includes("\\'")) reading.unknown("a quote inside $'…', which not every shell reads alike")
      if (part.value.includes('\0')) reading.unknown('a NUL character')
      addLiteral(part.value, gathered)
      // `$'x'` is `$x` to them.
      gathered.literal = false
      gathered.open = true
      reading.constructs.add('ansi quotes')
      return
    case 'DoubleQuoted':
      for (const child of part.parts) addQuoted(child, gathered, scope)
      return
    case 'LocaleString':
      gathered.literal = false
      gathered.open = true
      for (const child of part.parts) addQuoted(child, gathered, scope)
      return
    case 'Glob':
      reading.constructs.add('glob')
      addOpen(part.text, gathered)
      gathered.several = true
      gathered.pattern = true
      for (const inner of part.parts ?? [])
        if (inner.type !== 'Literal') {
          gathered.open = true
          addPart(inner, { ...gathered }, scope)
        }
      return
    case 'BraceExpansion':
      reading.constructs.add('braces')
      addOpen(part.text, gathered)
      gathered.several = true
      if (part.parts === undefined && /[`$'"]/.test(part.text)) reading.unknown('quotes or expansions in braces')
      if (/^\{[\w.,:=@%+/-]*\}$/.test(part.text)) gathered.pattern = true
      else gathered.open = true
      for (const inner of part.parts ?? []) addPart(inner, { ...gathered }, scope)
      return
    case 'ProcessSubstitution':
      gathered.pipe = true
      gathered.open = true
      readExpansion(part, scope)
      return addOpen(part.text, gathered)
    case 'ExtendedGlob':
      reading.unknown('an extended pattern, which another shell runs as code')
      gathered.open = true
      for (const inner of part.parts ?? []) addPart(inner, { ...gathered }, scope)
      return addOpen(part.text, gathered)
    default:
      // Unquoted, what an expansion gives is split at blanks and taken for patterns.
      gathered.splits = true
      gathered.several = true
      gathered.open = true
      readExpansion(part, scope)
      return addOpen(part.text, gathered)
  }
}

function addQuoted(part: DoubleQuotedChild, gathered: Gathered, scope: Scope): void {
  if (part.type === 'Literal') {
    const text = unescapeQuoted(part.text)
    if (text === undefined || text !== part.value)
      scope.reading.unknown('quotes that are not read as a shell reads them')
    return addLiteral(part.value, gathered)
  }
  // "$@", "${a[@]}" and "${!x@}" give several words even inside quotes.
  if (/[@*!]/.test(part.text) && part.type !== 'CommandExpansion' && part.type !== 'ArithmeticExpansion') {
    gathered.splits = true
    gathered.several = true
  }
  gathered.open = true
  readExpansion(part, scope)
  addOpen(part.text, gathered)
}
