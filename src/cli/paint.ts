/** Colours, only where a person looks: on a terminal that wants them. */
export interface Paint {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
}

const plain = (text: string) => text
const sgr = (on: number, off: number) => (text: string) => (text === '' ? '' : `\x1b[${on}m${text}\x1b[${off}m`)

/** Paint for one stream. NO_COLOR (any value) and TERM=dumb turn it off, FORCE_COLOR on. */
export function paintFor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Paint {
  const wanted = env.FORCE_COLOR
    ? env.FORCE_COLOR !== '0'
    : stream.isTTY === true && env.TERM !== 'dumb' && !env.NO_COLOR
  if (!wanted) return { bold: plain, dim: plain, red: plain, green: plain, yellow: plain }
  return { bold: sgr(1, 22), dim: sgr(2, 22), red: sgr(31, 39), green: sgr(32, 39), yellow: sgr(33, 39) }
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Controls, direction changes, characters that show nothing, line and paragraph separators, halves of surrogate pairs. */
const ACTIVE = /\p{Cc}|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}|\p{Default_Ignorable_Code_Point}|\p{Bidi_Control}/gu

/** Text from elsewhere made safe for a terminal and for the eye: what is not plainly visible is spelled out, so that no cell moves the cursor, changes a title or hides what it says (ATTACKS D24, G34). */
export function visible(text: string): string {
  return text.replace(ACTIVE, (mark) => ESCAPES[mark] ?? spelled(mark.codePointAt(0)!))
}

function spelled(code: number): string {
  const hex = code.toString(16)
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`
}

/** Like {@link visible} for text of several lines: line ends stay. */
export function visibleLines(text: string): string {
  return text.split(/\r?\n/).map(visible).join('\n')
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\p{Extended_Pictographic}]/u

/** Columns a text takes on a terminal: combining marks none, East Asian wide characters two. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const mark of text) width += /\p{Mn}|\p{Me}|\p{Cf}/u.test(mark) ? 0 : WIDE.test(mark) ? 2 : 1
  return width
}
