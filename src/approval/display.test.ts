import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { display, escapeHidden } from './display.ts'

// G34
describe('what an approver is shown', () => {
  it.each([
    ['plain text stays as it is', "SELECT 'ä' FROM t\n  WHERE a <> '日本'", "SELECT 'ä' FROM t\n  WHERE a <> '日本'"],
    ['a bidi override', 'a\u202Eb', 'a⟦U+202E⟧b'],
    ['a zero-width space', 'DE\u200BLETE', 'DE⟦U+200B⟧LETE'],
    ['a Hangul filler, which is a letter', 'a\u3164b', 'a⟦U+3164⟧b'],
    ['a tag character', 'a\u{E0044}b', 'a⟦U+E0044⟧b'],
    ['a variation selector', 'a\uFE0Fb', 'a⟦U+FE0F⟧b'],
    ['a no-break space', 'a\u00A0b', 'a⟦U+00A0⟧b'],
    ['an ANSI sequence', '\u001B[2Jx', '⟦U+001B⟧[2Jx'],
    ['a backspace and a bare return', 'safe\b\rDROP', 'safe⟦U+0008⟧⟦U+000D⟧DROP'],
    ['a line separator', 'a\u2028b', 'a⟦U+2028⟧b'],
    ['a lone surrogate', 'a\uD800b', 'a⟦U+D800⟧b'],
    ['our own escape, imitated', '⟦U+202E⟧', '⟦U+27E6⟧U+202E⟦U+27E7⟧'],
    ['marks piled on a letter', 'a\u0301\u0302\u0303\u0304', 'a\u0301\u0302⟦U+0303⟧⟦U+0304⟧'],
    ['blanks that push the rest away', `SELECT 1;${' '.repeat(500)}DROP`, 'SELECT 1; ⟦500 spaces⟧ DROP'],
    ['line breaks that do', `SELECT 1;${'\n '.repeat(90)}DROP`, 'SELECT 1;\n⟦90 line breaks⟧\nDROP'],
    ['tabs and Windows line ends', 'a\r\n\tb', 'a\n    b'],
  ])('%s', (_, text, want) => {
    expect(escapeHidden(text)).toBe(want)
  })

  it('never holds a character that can hide, whatever the text', () => {
    const strange = fc.string({
      unit: fc.oneof(
        fc.constantFrom('\u202E', '\u200D', '⟦', '⟧', '\n', ' ', '\u0301', '\x1B'),
        fc.string({ unit: 'binary', maxLength: 1 }),
      ),
    })
    fc.assert(
      fc.property(
        strange,
        (text) => !/(?!\n)[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.test(display(text, 200).text),
      ),
    )
  })

  it('says how long a text is and what was left out, and shows its end', () => {
    const shown = display(`SELECT ${'1,'.repeat(10_000)}2; DROP TABLE t`, 1_000)
    expect(shown).toMatchObject({ length: 20_022, truncated: true })
    expect(shown.text).toMatch(/^SELECT 1,/)
    expect(shown.text).toMatch(/⟦19022 characters not shown⟧\n[\s\S]+DROP TABLE t$/)
    expect(display('x').truncated).toBe(false)
  })

  it('points out what a careful reader would want to know', () => {
    expect(display('DELETE FROM t').warnings).toEqual([])
    expect(display('DELETE\r\n\tFROM t').warnings).toEqual([])
    expect(display('a\u202Eb').warnings).toHaveLength(1)
    expect(display('\u0430dmin').warnings).toHaveLength(1)
  })

  it('costs what is shown, however long and hostile the text', () => {
    for (const unit of ['\n ', ' ', '\u0301', '⟦', '\n\n\n\n   x', '\u202E']) {
      const shown = display(unit.repeat(4_194_304 / unit.length))
      expect(shown.text.length).toBeLessThan(16_384 * 9)
      const began = performance.now()
      display(unit.repeat(131_072 / unit.length), Number.POSITIVE_INFINITY)
      expect(performance.now() - began).toBeLessThan(1_000)
    }
  })
})
