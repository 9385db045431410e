import type { HereDoc, Redirect, Redirection } from 'unbash'
import { effects } from '../model/effects.ts'
import { literal } from './argument.ts'
import { readExpansion } from './expansion.ts'
import { unescapeQuoted } from './literal.ts'
import type { Scope } from './scope.ts'
import { readWord } from './word.ts'

const NETWORK = /^\/dev\/(tcp|udp)\/([^/]*)(\/|$)/
const BOTH_WAYS = effects('connect', 'import', 'export')

/** What is known of what a command reads as its input: a text, nothing at all, or that nothing was redirected. */
export interface Input {
  readonly kind: 'text' | 'other' | 'none'
  readonly text: string
}

/** Reads redirections: the files and hosts they open, and what becomes the standard input. */
export function readRedirects(redirects: readonly Redirection[], scope: Scope): Input {
  let input: Input = { kind: 'none', text: '' }
  for (const redirect of redirects) {
    scope.reading.constructs.add('redirect')
    const descriptor = redirect.descriptor?.type === 'FileDescriptor' ? redirect.descriptor.value : undefined
    if (redirect.type === 'HereDoc') {
      const text = readHereDoc(redirect, scope)
      if (descriptor === undefined || descriptor === 0) input = text
    } else if (redirect.type === 'HereString') {
      const word = redirect.target && readWord(redirect.target, scope)
      if (word === undefined) scope.reading.unknown('a here-string without a text')
      if (descriptor === undefined || descriptor === 0)
        input = word?.literal ? { kind: 'text', text: `${word.text}\n` } : { kind: 'other', text: '' }
    } else {
      readRedirect(redirect, scope)
      const reads = redirect.operator.startsWith('<')
      if (reads && (descriptor === undefined || descriptor === 0)) input = { kind: 'other', text: '' }
    }
  }
  return input
}

function readRedirect({ operator, target }: Redirect, scope: Scope): void {
  const { reading } = scope
  if (target === undefined) return reading.unknown('a redirection without a target')
  const word = readWord(target, scope)
  const network = NETWORK.exec(word.prefix) ?? (word.literal ? null : NETWORK.exec(word.text))
  if (network) {
    reading.add(BOTH_WAYS)
    reading.host(word.literal ? literal(network[2]!) : word)
    return
  }
  // What an expansion gives may name a host as well as a file.
  if (!word.literal && !word.pipe && !/^[^/]|^\/(?!dev)[^/]/.test(word.prefix))
    reading.unknown('a redirection that may reach a host')
  if (operator === '<&' || operator === '>&') {
    if (word.literal && /^([0-9]+-?|-)$/.test(word.text)) return
    if (operator === '<&' || word.prefix === '') return reading.unknown('a descriptor that is not known')
  }
  if (operator === '<' || operator === '<>') reading.add(reading.use(word, 'read'))
  if (operator !== '<') reading.add(reading.use(word, 'write'))
}

function readHereDoc(doc: HereDoc, scope: Scope): Input {
  const { reading } = scope
  if (doc.delimiter === undefined || doc.closing === undefined) {
    reading.unknown('a here-document without its end')
    return { kind: 'other', text: '' }
  }
  if (doc.delimiter.quoted) return { kind: 'text', text: doc.body.text }
  if (doc.body.parts === undefined) {
    const text = unescapeQuoted(doc.body.text.replaceAll('"', ''))
    if (text === undefined) reading.unknown('a here-document that is not read as a shell reads it')
    return { kind: text === undefined || doc.body.text.includes('\\') ? 'other' : 'text', text: doc.body.text }
  }
  for (const part of doc.body.parts) {
    switch (part.type) {
      case 'Literal':
        if (unescapeQuoted(part.text.replaceAll('"', '')) === undefined)
          reading.unknown('a here-document that is not read as a shell reads it')
        break
      case 'SimpleExpansion':
      case 'ParameterExpansion':
      case 'CommandExpansion':
      case 'ArithmeticExpansion':
        readExpansion(part, scope)
        break
      default:
        reading.unknown('a here-document that is not read as a shell reads it')
    }
  }
  return { kind: 'other', text: '' }
}
