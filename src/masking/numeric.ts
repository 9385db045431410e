// numeric, binary: int16 digit count, int16 weight, uint16 sign, int16 display scale, then digits of base 10,000.

const NEGATIVE = 0x4000
const GROUP = 4

/** A binary numeric as decimal text without needless zeros, or undefined for NaN, infinities and what is malformed. */
export function readNumeric(bytes: Buffer, start: number, end: number): string | undefined {
  if (end - start < 8) return undefined
  const count = bytes.readInt16BE(start)
  const weight = bytes.readInt16BE(start + 2)
  const sign = bytes.readUInt16BE(start + 4)
  if ((sign !== 0 && sign !== NEGATIVE) || count < 0 || end - start !== 8 + 2 * count) return undefined
  let whole = ''
  let fraction = ''
  for (let i = 0; i < count; i++) {
    const group = String(bytes.readUInt16BE(start + 8 + 2 * i)).padStart(GROUP, '0')
    if (i <= weight) whole += group
    else fraction += group
  }
  if (weight >= count) whole += '0'.repeat(GROUP * (weight - Math.max(count, 0) + 1))
  if (weight < -1) fraction = '0'.repeat(GROUP * (-weight - 1)) + fraction
  return canonicalDecimal(`${sign === NEGATIVE ? '-' : ''}${whole}.${fraction}`)
}

/** Decimal text without leading or trailing zeros: equal numbers read equal. */
export function canonicalDecimal(text: string): string {
  const negative = text.startsWith('-')
  const [whole = '', fraction = ''] = text.replace(/^[-+]/, '').split('.')
  const digits = whole.replace(/^0+/, '') || '0'
  let kept = fraction.length
  while (kept > 0 && fraction[kept - 1] === '0') kept--
  const plain = kept > 0 ? `${digits}.${fraction.slice(0, kept)}` : digits
  return negative && plain !== '0' ? `-${plain}` : plain
}

/** A whole number from 0 below 2^53 as a binary numeric. */
export function writeNumeric(value: number): Buffer {
  const groups: number[] = []
  for (let rest = value; rest > 0; rest = Math.floor(rest / 10_000)) groups.unshift(rest % 10_000)
  const weight = Math.max(groups.length - 1, 0)
  while (groups.at(-1) === 0) groups.pop()
  const out = Buffer.alloc(8 + 2 * groups.length)
  out.writeInt16BE(groups.length, 0)
  out.writeInt16BE(weight, 2)
  groups.forEach((group, i) => {
    out.writeUInt16BE(group, 8 + 2 * i)
  })
  return out
}
