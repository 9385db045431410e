import { SIGNS } from '../prefilter.ts'
import { type Detector, eachMatch } from './detector.ts'

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const IPV4 = new RegExp(`(?<![\\w.-]|\\d,)${OCTET}(?:\\.${OCTET}){3}(?![\\w-]|\\.\\w)`, 'g')
/** Anything of hexadecimal groups and colons; the rest is looked at group by group. */
const IPV6 = /(?<![\w:.])[0-9a-f]{4}(?::{1,2}[0-9a-f]{1,4}){1,7}(?:::)?(?![\w:]|\.\w)/gi

/** Internet addresses. Those that cannot point at anybody are left: this host, netmasks, groups of two hex digits (hardware addresses). */
export const ipDetector: Detector = {
  label: 'pii.ip',
  kind: 'ip',
  needs: SIGNS.dots | SIGNS.colons,
  find(text, report) {
    if (text.includes('.')) {
      eachMatch(IPV4, text, (match) => {
        if (!/^(?:0|127|255)\./.test(match[0])) report(match.index, match.index + match[0].length)
      })
    }
    if (text.includes(':')) {
      eachMatch(IPV6, text, (match) => {
        if (isAddress6(match[0])) report(match.index, match.index + match[0].length)
      })
    }
  },
}

/** Eight groups, or fewer and one `::` with three colons at least, in a block that hosts have: 2000::/3, fc00::/7, fe80::/10. */
function isAddress6(text: string): boolean {
  if (!/^(?:[23]|f[cd]|fe[89ab])/i.test(text)) return false
  const halves = text.split('::')
  const groups = text.split(':').filter((group) => group !== '').length
  if (halves.length === 1) return groups === 8
  return halves.length === 2 && groups <= 7 && (groups >= 3 || (groups === 2 && text.endsWith('::')))
}
