/** Writers of DER (X.690), the form of certificates and keys. */

/** One element (§8.1): tag, length in the shortest form, content. */
export function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content])
  const length = Buffer.from(content.length.toString(16).padStart(content.length > 0xff ? 4 : 2, '0'), 'hex')
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content])
}

export function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, ...parts)
}
export function set(...parts: readonly Buffer[]): Buffer {
  return tlv(0x31, ...parts)
}
export function explicit(number: number, part: Buffer): Buffer {
  return tlv(0xa0 | number, part)
}
export function utf8(text: string): Buffer {
  return tlv(0x0c, Buffer.from(text))
}
export function octets(content: Buffer): Buffer {
  return tlv(0x04, content)
}
export function bits(unused: number, content: Buffer): Buffer {
  return tlv(0x03, Buffer.from([unused]), content)
}
export const TRUE = tlv(0x01, Buffer.from([0xff]))

/** An OBJECT IDENTIFIER from the hex of its content. */
export function oid(hex: string): Buffer {
  return tlv(0x06, Buffer.from(hex, 'hex'))
}

/** A positive INTEGER in the shortest form: no leading zero byte but the one that keeps the sign. */
export function integer(magnitude: Buffer): Buffer {
  const first = magnitude.findIndex((byte) => byte !== 0)
  const digits = magnitude.subarray(first < 0 ? magnitude.length - 1 : first)
  return tlv(0x02, digits[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits)
}

/** UTCTime until 2049, GeneralizedTime after (RFC 5280 §4.1.2.5). */
export function time(at_ms: number): Buffer {
  const digits = `${new Date(at_ms).toISOString().slice(0, 19).replace(/\D/g, '')}Z`
  return Number(digits.slice(0, 4)) < 2050 ? tlv(0x17, Buffer.from(digits.slice(2))) : tlv(0x18, Buffer.from(digits))
}
