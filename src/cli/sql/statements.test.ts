import { expect, test } from 'vitest'
import { StatementReader } from './statements.ts'

function statements(text: string): { done: string[]; rest: string } {
  const reader = new StatementReader()
  const done = text.split('\n').flatMap((line) => reader.push(line))
  return { done, rest: reader.rest() }
}

test.each([
  ['select 1;', ['select 1;'], ''],
  ['select 1; select 2;', ['select 1;', 'select 2;'], ''],
  ['select 1', [], 'select 1'],
  ["select ';';", ["select ';';"], ''],
  ["select 'it''s;';", ["select 'it''s;';"], ''],
  ["select E'\\';'; select 2;", ["select E'\\';';", 'select 2;'], ''],
  ["select '\\'; select 2;", ["select '\\';", 'select 2;'], ''],
  ['select ";" from t;', ['select ";" from t;'], ''],
  ['select 1 -- ; not here\n;', ['select 1 -- ; not here\n;'], ''],
  ['select /* ; /* ; */ ; */ 1;', ['select /* ; /* ; */ ; */ 1;'], ''],
  ['do $$ begin; end $$;', ['do $$ begin; end $$;'], ''],
  ['do $a$ ; $$ ; $a$; select 1;', ['do $a$ ; $$ ; $a$;', 'select 1;'], ''],
  ['select a$b$ from t; select 1;', ['select a$b$ from t;', 'select 1;'], ''],
  ['select name;\nselect\n2;', ['select name;', 'select\n2;'], ''],
  ["select 'open;", [], "select 'open;"],
  ["select 'two\nlines;';", ["select 'two\nlines;';"], ''],
  [';;', [], ''],
  ['-- only a comment', [], ''],
  ["select type'a;b';", ["select type'a;b';"], ''],
])('a statement ends at its own semicolon: %s', (text, done, rest) => {
  expect(statements(text)).toEqual({ done, rest })
})
