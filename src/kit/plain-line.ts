const CONTROLS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** One line that cannot move a cursor (a rule's sentence, a path, a target's description). */
export function plainLine(text: string): string {
  return text.replace(CONTROLS, (mark) => `\\u{${mark.codePointAt(0)!.toString(16)}}`)
}
