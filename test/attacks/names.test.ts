/** ATTACKS A30–A36, A57: names and order. What was judged is what runs, whatever was sent around it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bind, close, describe as describeMessage, execute, parse, query, sync } from '../rig/wire.ts'
import { type Attack, DENIED, hear, refused, type Said } from './attack.ts'
import { decide, type Stage, startStage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

/** Its rows show nothing of their origin, so that only what was traced can mask them. */
const SECRET = 'select reverse(ssn) as note from customers order by id'
const PLAIN = 'select note from customers order by id'
const DELETE = 'delete from audit_me'
const all = (...messages: readonly Buffer[]) => Buffer.concat(messages)
const run = (portal = '') => all(execute(portal), sync())

/** Said in one session, each element as one packet: nothing shows, nothing changes, and rows come masked. */
interface Mix {
  readonly name: string
  readonly said: readonly Said[]
  /** SQLSTATEs on the way. */
  readonly codes?: readonly string[]
  readonly rows?: number
}

const failing = parse('', 'select nothing_like_it from orders')

/** Moves the search path in a batch that then fails, so that the server moves it back; what comes next arrives in the same packet. */
const undonePath = (setting: string, failure: Buffer) =>
  all(parse('', setting), bind('', ''), execute(''), failure, sync())
const DIVIDES = all(parse('', 'select 1 / 0'), bind('', ''), execute(''))
const EXTENDED = all(parse('', SECRET), bind('', ''), run())

const MIXED: readonly Mix[] = [
  {
    name: 'A36 A57 a path undone by an error of its batch, then a pipeline',
    said: [all(undonePath('set search_path = s2', DIVIDES), EXTENDED)],
    codes: ['22012'],
  },
  {
    name: 'A36 A57 a path undone by an error of its batch, then a Query',
    said: [all(undonePath('set search_path = s2', DIVIDES), query(SECRET))],
    codes: ['22012'],
  },
  {
    name: 'A36 A57 a path set by a function and undone by a refusal',
    said: [
      all(
        undonePath(
          "select set_config('search_path', 's2', false)",
          all(parse('', 'delete from audit_me'), bind('', ''), execute('')),
        ),
        EXTENDED,
      ),
    ],
    codes: ['policy.default'],
    rows: 5,
  },
  {
    name: 'A36 A57 a path undone by a name that is none',
    said: [all(undonePath('set search_path = s2', bind('', 'never-made')), EXTENDED)],
    codes: ['26000'],
  },
  {
    name: 'A30 a name closed and given anew in one packet',
    said: [all(parse('s1', PLAIN), close('S', 's1'), parse('s1', SECRET), bind('', 's1'), run())],
  },
  { name: 'A31 PREPARE by SQL, Bind by the protocol', said: [`prepare zz as ${SECRET}`, all(bind('', 'zz'), run())] },
  { name: 'A31 Parse by the protocol, EXECUTE by SQL', said: [all(parse('yy', SECRET), sync()), 'execute yy'] },
  {
    name: 'A31 DEALLOCATE between',
    said: [all(parse('s', PLAIN), sync()), 'deallocate s', all(parse('s', SECRET), bind('', 's'), run())],
  },
  {
    name: 'A31 DISCARD ALL between',
    said: [all(parse('s', PLAIN), sync()), 'discard all', all(parse('s', SECRET), bind('', 's'), run())],
  },
  {
    name: 'A33 DECLARE, then Describe and Execute of the portal',
    said: ['begin', `declare cc cursor for ${SECRET}`, all(describeMessage('P', 'cc'), execute('cc'), sync())],
  },
  {
    name: 'A33 DECLARE, then Execute of the portal without Describe',
    said: ['begin', `declare cc cursor for ${SECRET}`, all(execute('cc', 2), execute('cc'), sync())],
  },
  {
    name: 'A33 Bind, then FETCH by SQL',
    said: ['begin', all(parse('', SECRET), bind('pp', ''), sync()), 'fetch 2 from pp', 'fetch all from pp'],
  },
  { name: 'A33 a binary cursor', said: [`begin; declare cc binary cursor for ${SECRET}`, 'fetch all from cc'] },
  {
    name: 'A33 a cursor that is held',
    said: [
      `begin; declare cc scroll cursor with hold for ${SECRET}; commit`,
      'fetch last from cc',
      all(execute('cc'), sync()),
    ],
    rows: 1,
  },
  {
    name: 'A34 two suspended portals in turn',
    said: [
      all(
        parse('', PLAIN),
        bind('a', ''),
        parse('', SECRET),
        bind('b', ''),
        execute('a', 1),
        execute('b', 1),
        execute('a', 1),
        execute('b', 1),
        execute('b'),
        execute('a'),
        sync(),
      ),
    ],
    rows: 8,
  },
  {
    name: 'A34 the same columns with and without a label',
    said: [
      all(
        parse('', SECRET),
        bind('a', ''),
        parse('', PLAIN),
        bind('b', ''),
        execute('b', 3),
        execute('a', 3),
        execute('b'),
        execute('a'),
        sync(),
      ),
    ],
    rows: 8,
  },
  { name: 'A35 rows without a description', said: [all(parse('', SECRET), bind('', ''), run())] },
  { name: 'A35 binary rows without a description', said: [all(parse('', SECRET), bind('', '', [], [1]), run())] },
  {
    name: 'A35 a description of the statement alone, then binary',
    said: [all(parse('s', SECRET), describeMessage('S', 's'), bind('', 's', [], [1]), run())],
  },
  {
    name: 'A35 a description that failed',
    said: [
      'begin',
      all(parse('s', SECRET), sync()),
      'select nothing_like_it',
      all(describeMessage('S', 's'), sync()),
      'rollback',
      all(bind('', 's'), run()),
    ],
    codes: ['42703', '25P02'],
  },
  {
    name: 'A36 a Parse that the server skipped',
    said: [all(parse('', SECRET), bind('', '', ['x']), parse('', PLAIN), sync(), bind('', ''), run())],
    codes: ['08P01'],
  },
  {
    name: 'A36 a Close and a Parse that the server skipped',
    said: [
      all(parse('s', SECRET), sync()),
      all(failing, close('S', 's'), parse('s', PLAIN), sync(), bind('', 's'), run()),
    ],
    codes: ['42703'],
  },
  {
    name: 'A36 a Close and a Parse that the server skipped, then EXECUTE',
    said: [
      all(parse('s', SECRET), sync()),
      all(failing, close('S', 's'), parse('s', PLAIN), sync(), query('execute s')),
    ],
    codes: ['42703'],
  },
  {
    name: 'A36 a Close and a Parse that the server skipped, then EXECUTE by the protocol',
    said: [
      all(parse('s', SECRET), sync()),
      all(failing, close('S', 's'), parse('s', PLAIN), sync(), parse('', 'execute s'), bind('', ''), run()),
    ],
    codes: ['42703'],
  },
  {
    name: 'A36 a Bind that the server skipped over a held cursor',
    said: [
      `begin; declare c cursor with hold for ${SECRET}; commit`,
      all(failing, close('P', 'c'), parse('', PLAIN), bind('c', ''), sync(), run('c')),
    ],
    codes: ['42703'],
  },
  {
    name: 'A36 a Describe meets the statement as it was',
    said: [
      all(parse('s', SECRET), sync()),
      all(failing, close('S', 's'), parse('s', PLAIN), sync(), describeMessage('S', 's'), sync()),
      all(bind('', 's', [], [1]), run()),
    ],
    codes: ['42703'],
  },
  {
    name: 'A36 a DEALLOCATE that the server skipped',
    said: [
      all(parse('s', SECRET), sync()),
      all(
        failing,
        parse('', 'deallocate s'),
        bind('', ''),
        execute(''),
        parse('s', PLAIN),
        sync(),
        bind('', 's'),
        run(),
      ),
    ],
    codes: ['42703'],
  },
  {
    name: 'A31 names that differ behind their 63rd byte',
    said: [
      all(parse(`${'n'.repeat(63)}x`, PLAIN), sync()),
      all(close('S', `${'n'.repeat(63)}y`), sync()),
      all(parse(`${'n'.repeat(63)}z`, SECRET), sync()),
      all(bind('', `${'n'.repeat(63)}x`), run()),
    ],
  },
  {
    name: 'A33 portals that differ behind their 63rd byte',
    said: [
      'begin',
      all(parse('', PLAIN), bind(`${'n'.repeat(63)}x`, ''), sync()),
      all(close('P', `${'n'.repeat(63)}y`), parse('', SECRET), bind(`${'n'.repeat(63)}z`, ''), sync()),
      all(run(`${'n'.repeat(63)}x`)),
    ],
  },
  {
    name: 'A33 a held cursor that was rolled back',
    said: [`begin; declare c cursor with hold for ${PLAIN}; rollback`, all(parse('', SECRET), bind('c', ''), run('c'))],
  },
  {
    name: 'A31 EXECUTE bound before its statement changed',
    said: [
      all(parse('a', PLAIN), parse('x', 'execute a'), bind('p', 'x'), close('S', 'a'), parse('a', SECRET), run('p')),
    ],
  },
  {
    name: 'A33 FETCH bound before its cursor changed',
    said: [
      'begin',
      `declare c cursor for ${PLAIN}`,
      all(parse('', 'fetch all from c'), bind('p', ''), sync()),
      'close c',
      `declare c cursor for ${SECRET}`,
      all(run('p')),
    ],
  },
  {
    name: 'A57 COPY bound before the path changed',
    said: [
      'begin',
      'set local search_path = s2',
      all(parse('', 'copy (select reverse(ssn) from customers) to stdout'), bind('p', ''), sync()),
      'set local search_path = public',
      all(run('p')),
    ],
  },
  {
    name: 'A57 COPY of a table bound before the path changed',
    said: [
      'begin',
      'set local search_path = s2',
      all(parse('', 'copy customers (ssn) to stdout'), bind('p', ''), sync()),
      'set local search_path = public',
      all(run('p')),
    ],
  },
]

describe('names and order', () => {
  test.each(MIXED)('$name', async ({ said, codes = [], rows = 4 }) => {
    const before = await stage.state()
    const seen = await hear(stage, 'agent:analyst', said)
    expect(seen.leaks, seen.lines.join('\n')).toEqual([])
    expect(seen.codes).toEqual(codes)
    expect(
      seen.data.filter((row) => /masked|0x/.test(row) || !/note/.test(row)).length,
      seen.lines.join('\n'),
    ).toBeGreaterThan(0)
    expect(seen.data).toHaveLength(rows)
    expect(await stage.state()).toBe(before)
    // What is masked here is there to be seen.
    expect((await hear(stage, 'human:raw', said)).leaks).not.toEqual([])
  })
})

/** A change that waits for people, sent so that something harmless was judged in its place. */
const UNASKED: readonly Attack[] = [
  {
    number: 'A36',
    said: [
      all(parse('a', DELETE), sync()),
      all(failing, close('S', 'a'), parse('a', PLAIN), sync(), bind('', 'a'), run()),
    ],
    code: ['42703', 'approval.pending'],
  },
  {
    number: 'A36',
    said: [
      all(parse('', DELETE), sync()),
      all(parse('x', 'select nothing_like_it from orders'), parse('', PLAIN), sync(), bind('', ''), run()),
    ],
    code: ['42703', 'approval.pending'],
  },
  {
    number: 'A36',
    said: [
      all(parse('a', DELETE), sync()),
      all(failing, close('S', 'a'), parse('a', PLAIN), sync(), query('execute a')),
    ],
    code: ['42703', 'approval.pending'],
  },
  {
    number: 'A31',
    said: [
      all(
        parse(`${'n'.repeat(63)}x`, PLAIN),
        close('S', `${'n'.repeat(63)}y`),
        parse(`${'n'.repeat(63)}z`, DELETE),
        bind('', `${'n'.repeat(63)}x`),
        run(),
      ),
    ],
    code: 'approval.pending',
  },
  {
    number: 'A31',
    said: [
      all(parse('a', PLAIN), parse('x', 'execute a'), bind('p', 'x'), close('S', 'a'), parse('a', DELETE), run('p')),
    ],
    code: 'approval.pending',
  },
  { number: 'A31', said: [all(parse('a', DELETE), sync()), 'explain analyze execute a'], code: 'approval.pending' },
  {
    number: 'A33',
    said: [
      'begin',
      all(parse('', 'delete from audit_me returning *'), bind('p', ''), sync()),
      'fetch all from p',
      'commit',
    ],
    code: ['approval.pending', '34000', '25P02', ...DENIED],
  },
]

describe('R2: nothing harmless is judged in a change’s place', () => {
  test.each(UNASKED)('$number $said', async (attack) => {
    await refused(stage, { ...attack, who: 'agent:writer' })
    await decide(stage.gateway, 'reject')
  })
})
