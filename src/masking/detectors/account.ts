import { SIGNS } from '../prefilter.ts'
import { type Detector, eachMatch, isDigitCode, isLetterCode, isWordCode } from './detector.ts'

/** 13 to 19 digits in a row, or in the groups cards are printed in. */
const CARD =
  /(?<![\w]|\d[.,])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|\d{4}([ -])\d{6}\2\d{4,5})(?![\w]|[.,-]\d)/g

/** Payment card numbers: an issuer's prefix, its length and the Luhn digit. */
export const cardDetector: Detector = {
  label: 'pci.card',
  kind: 'card',
  needs: SIGNS.digits,
  find(text, report) {
    eachMatch(CARD, text, (match) => {
      const digits = match[0].replace(/[ -]/g, '')
      if (isIssued(digits) && luhn(digits)) report(match.index, match.index + match[0].length)
    })
  },
}

/** Prefix and length as the card schemes assign them (ISO/IEC 7812). */
function isIssued(digits: string): boolean {
  const length = digits.length
  const two = Number(digits.slice(0, 2))
  const four = Number(digits.slice(0, 4))
  if (digits[0] === '4') return length === 13 || length === 16 || length === 19
  if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) return length === 16
  if (two === 34 || two === 37) return length === 15
  if (two === 36 || two === 38 || two === 39 || (four >= 3000 && four <= 3059)) return length >= 14
  if (four >= 3528 && four <= 3589) return length >= 16
  if (four === 6011 || two === 65 || (four >= 6440 && four <= 6499) || two === 62) return length >= 16
  return (two === 50 || (two >= 56 && two <= 69)) && length === 16
}

function luhn(digits: string): boolean {
  let sum = 0
  for (let i = digits.length - 1, double = false; i >= 0; i--, double = !double) {
    const digit = digits.charCodeAt(i) - 48
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit
  }
  return sum % 10 === 0
}

/** Grouped by hyphens; nine digits alone only after a word that says so. Never-issued areas, groups and serials are out. */
const SSN = /(?<![\w.+-])(?!000|666)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-]|\.\d)/g
const SAID_SSN =
  /\b(?:ssn|social security(?: number| no\.?)?)[ "':=#]{0,5}(?!000|666)\d{3} ?(?!00)\d{2} ?(?!0000)\d{4}(?!\w)/gi

/** United States social security (and taxpayer) numbers. */
export const ssnDetector: Detector = {
  label: 'pii.ssn',
  kind: 'ssn',
  needs: SIGNS.digits,
  find(text, report) {
    eachMatch(SSN, text, (match) => report(match.index, match.index + match[0].length))
    eachMatch(SAID_SSN, text, (match) => {
      report(match.index + match[0].search(/\d/), match.index + match[0].length)
    })
  },
}

/** Length of an IBAN by country: the SWIFT IBAN registry. */
const IBAN_LENGTHS = new Map<string, number>(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ' +
    'ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 ' +
    'LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 ' +
    'PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
)

/** International bank account numbers: country, its length, and the remainder 1 by 97 (ISO 13616). */
export const ibanDetector: Detector = {
  label: 'pii.iban',
  kind: 'iban',
  needs: SIGNS.digits | SIGNS.run,
  find(text, report) {
    eachMatch(IBAN_START, text, ({ index }) => {
      const length = IBAN_LENGTHS.get(text.slice(index, index + 2).toUpperCase())
      const end = length === undefined ? -1 : ibanEnd(text, index, length)
      if (end > 0) report(index, end)
    })
  },
}

/** Two letters and two digits where a word begins. */
const IBAN_START = /\b[A-Za-z]{2}\d\d/g

/** The end of an IBAN of `length` letters and digits at `start`, single spaces or hyphens between them, or -1. */
function ibanEnd(text: string, start: number, length: number): number {
  let compact = ''
  let at = start
  for (; compact.length < length; at++) {
    const code = text.charCodeAt(at)
    if (isDigitCode(code) || isLetterCode(code)) compact += text[at]
    else if ((code !== 32 && code !== 45) || !isWordCode(text.charCodeAt(at + 1))) return -1
  }
  if (isWordCode(text.charCodeAt(at))) return -1
  return remainder97(compact.slice(4) + compact.slice(0, 4)) === 1 ? at : -1
}

function remainder97(text: string): number {
  let remainder = 0
  for (let i = 0; i < text.length; i++) {
    const value = Number.parseInt(text[i]!, 36)
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97
  }
  return remainder
}
