/**
 * An escape sequence of a terminal (ECMA-48 §5.4 to 5.6): a control sequence, a string up to its end, or ESC with intermediates and a final
 * character. A string that does not end soon is no sequence: only its first two characters are.
 */
const SEQUENCE =
  /\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|[\]PX^_][^\x07\x1b\x9c]{0,512}(?:\x07|\x1b\\|\x9c)|[ -/]{0,8}[0-~])/y

/** Where the sequence that begins with ESC at `at` ends. */
export function sequenceEnd(text: string, at: number): number {
  SEQUENCE.lastIndex = at
  return SEQUENCE.test(text) ? SEQUENCE.lastIndex : at + 1
}

/** The sequences within a text, without what stands between them: what stands for the text is drawn as that would have been. */
export function sequencesOf(text: string): string {
  let kept = ''
  for (let at = text.indexOf('\x1b'); at >= 0; ) {
    const end = sequenceEnd(text, at)
    if (end > at + 1) kept += text.slice(at, end)
    at = text.indexOf('\x1b', end)
  }
  return kept
}

/** The longest sequence that is looked for at a cut. */
const NEAR = 600

/** `cut`, or the place before the sequence that `cut` would split. */
export function beforeSequence(text: string, cut: number): number {
  const at = text.lastIndexOf('\x1b', cut - 1)
  if (at < 0 || cut - at > NEAR) return cut
  return sequenceEnd(text, at) > cut || (sequenceEnd(text, at) === at + 1 && cut - at < NEAR) ? at : cut
}
