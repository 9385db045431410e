import { effects } from '../../model/effects.ts'
import { literal } from '../argument.ts'
import type { Call } from '../call.ts'
import { isSeveral } from '../role.ts'

const SAFE = /^(bs|ibs|obs|cbs|count|skip|seek|iseek|oseek|conv|iflag|oflag|status)=/

/** `dd if=… of=…`; onto a device it destroys what was there. */
export function readDd(call: Call): void {
  const { reading } = call.scope
  call.add(effects('read'))
  for (const word of call.words) {
    const [, key, value = ''] = /^(if|of)=([\s\S]*)$/.exec(word.text) ?? []
    const known = word.literal || word.prefix.startsWith(`${key}=`)
    if (key !== undefined && known && !word.splits) {
      const file = word.literal ? literal(value) : { ...word, text: value, prefix: word.prefix.slice(3) }
      if (key === 'if') reading.use(file, 'read')
      else call.add(reading.use(file, 'write'))
      if (key === 'of' && /^\/dev\//.test(value)) call.add(reading.use(file, 'delete'))
    } else if (!SAFE.test(word.prefix) || word.splits) call.unknown(`the operand ${word.text} of dd`)
  }
}

/** `date` sets the clock when it is given a time without a `+`. */
export function readDate(call: Call): void {
  const { words } = call
  call.add(effects('session'))
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (word.prefix.startsWith('+')) continue
    if (!word.literal) return call.unknown('a time that may be set')
    if (/^-[uRI]|^--(utc|universal|iso-8601|rfc-3339|rfc-email|debug|version|help)/.test(word.text)) continue
    if (/^(--date=|-d.)/.test(word.text)) continue
    if (/^(-d|--date)$/.test(word.text)) {
      at += 1
      if (words[at] && isSeveral(words[at]!)) return call.unknown('a time that may be set')
    } else if (/^(-r|-f|--file|--reference)$/.test(word.text)) {
      at += 1
      if (words[at] && isSeveral(words[at]!)) return call.unknown('a time that may be set')
      if (words[at]) call.add(call.scope.reading.use(words[at]!, 'read'))
    } else if (/^-/.test(word.text)) return call.unknown(`the option ${word.text} of date`)
    else call.add(effects('define'))
  }
}
