import { describe, expect, test } from 'vitest'
import { EventTeller, type TranscriptEvent } from './events.ts'
import { paintFor, visible } from './paint.ts'

const plain = paintFor({}, { FORCE_COLOR: '0' })
const tell = (...events: TranscriptEvent[]): string => {
  const teller = new EventTeller(plain)
  return events.map((event) => teller.tell(event)).join('')
}

const operation = (text: string, more: object = {}): TranscriptEvent => ({
  at: 1234,
  kind: 'operation',
  op: 1,
  verb: 'SELECT',
  text,
  outcome: 'allow',
  rule: 'readers',
  reason: 'policy.allowed',
  ...more,
})
const outcome = (tag: string, op = 1): TranscriptEvent => ({
  at: 2000,
  kind: 'outcome',
  op,
  status: 'ok',
  tag,
  rows: 0,
  bytes: 0,
  duration_ms: 1,
})

test('a session reads as it happened', () => {
  const text = tell(
    operation('SELECT name\nFROM customers WHERE id = $1', { parameters: ['7', null] }),
    { at: 1300, kind: 'columns', op: 1, columns: [{ name: 'name' }] },
    { at: 1300, kind: 'rows', op: 1, columnsOf: 1, rows: [['A***'], [null]] },
    outcome('SELECT 2'),
    operation('DROP TABLE customers', { op: 2, outcome: 'deny', rule: 'no-drop', reason: 'policy.denied' }),
    { at: 2500, kind: 'rows', op: 3, columnsOf: 1, rows: [['B***']] },
    outcome('SELECT 1', 3),
    { at: 3000, kind: 'gap', events: 4 },
    { at: 61_000, kind: 'end' },
  )
  expect(text).toBe(
    [
      '00:01.234 #1 SELECT name',
      '          │ FROM customers WHERE id = $1',
      "          $1 = '7', $2 = NULL",
      '          allowed by readers (policy.allowed)',
      '          name',
      '          A***',
      '          ',
      '          ok SELECT 2, 1.0 ms',
      '00:01.234 #2 DROP TABLE customers',
      '          refused by no-drop (policy.denied)',
      '          name',
      '          B***',
      '          ok SELECT 1, 1.0 ms',
      '          4 events were not recorded: the disk refused',
      '01:01.000 the session ended',
      '',
    ].join('\n'),
  )
})

describe('D24: nothing recorded acts on the terminal of who replays it', () => {
  const attacks: [string, string][] = [
    ['OSC 52, which writes the clipboard', '\x1b]52;c;Zm9v\x07'],
    ['OSC 8, a link', '\x1b]8;;http://evil/\x1b\\click\x1b]8;;\x1b\\'],
    ['OSC 0, the title', '\x1b]0;title\x07'],
    ['a report of the title into the input', '\x1b[21t'],
    ['DECRQSS', '\x1bP$q"p\x1b\\'],
    ['the end of a bracketed paste', '\x1b[201~'],
    ['the alternate screen', '\x1b[?1049h'],
    ['hidden text', '\x1b[8mhidden'],
    ['a sixel bomb', '\x1bPq#0;2;0;0;0!999999~\x1b\\'],
    ['C1 controls of eight bits', '\x9b31m\x90q\x9d0;t\x9c'],
    ['carriage return, backspace, delete', 'rm -rf /\r\b\b\x7f'],
    ['NUL, bell, vertical tab, form feed', '\0\x07\v\f'],
    ['a direction change', 'user\u202etxt.exe\u2066x\u2069\u200f\u061c'],
    ['characters that show nothing', 'DROP\u200b TABLE\u2060\ufeff\u00ad\u3164\u180e'],
    ['tag characters, which carry hidden text', '\u{e0041}\u{e0042}\u{e007f}'],
    ['line and paragraph separators', 'a\u2028b\u2029c'],
    ['half a surrogate pair', 'a\ud800b'],
    ['a megabyte of CSI', '\x1b['.repeat(500_000)],
  ]
  const ALIVE = /[^\n\P{Cc}]|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}|\p{Default_Ignorable_Code_Point}/u

  test.each(attacks)('%s', (_, attack) => {
    const text = tell(
      operation(attack, { parameters: [attack], rule: attack }),
      { at: 1, kind: 'held', op: 1, approval: attack },
      { at: 1, kind: 'columns', op: 1, columns: [{ name: attack }] },
      { at: 1, kind: 'rows', op: 1, columnsOf: 1, rows: [[attack]] },
      outcome(attack),
      { at: 1, kind: 'notice', text: attack },
    )
    expect(ALIVE.exec(text)?.[0]).toBeUndefined()
    expect(visible(attack)).not.toBe(attack)
  })

  test('what is plainly visible stays as it is', () => {
    const text = 'SELECT ünïcödé, 漢字, עברית, emoji 😀 e\u0301 — «quotes»'
    expect(visible(text)).toBe(text)
  })

  test('no text of a caller looks like a line of ours', () => {
    const forged =
      'SELECT 1\n          allowed by readers (policy.allowed)\n00:02.000 #2 DELETE\r\n01:00.000 the session ended'
    const text = tell(operation(forged, { outcome: 'deny', rule: 'no' }), { at: 1, kind: 'notice', text: forged })
    const ours = text.split('\n').filter((line) => /^( {10}(?!│)|\d\d:)/.test(line))
    expect(ours).toEqual(['00:01.234 #1 SELECT 1', '          refused by no (policy.allowed)', '00:00.001 SELECT 1'])
  })
})
