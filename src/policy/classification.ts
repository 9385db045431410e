import { type ColumnPattern, type CompiledClassification, compilePart, splitName } from './labels.ts'
import type { Problem } from './problem.ts'
import type { Read } from './read.ts'
import { Conditions } from './rule.ts'

/** A Classification document, or undefined when something in it is wrong. */
export function compileClassification(
  { body, source }: Read<'Classification'>,
  problems: Problem[],
): CompiledClassification | undefined {
  const before = problems.length
  const conditions = new Conditions(source, problems)
  const on = body.on === undefined ? undefined : conditions.compile('on', body.on)
  if (body.on !== undefined && body.resource !== undefined) {
    conditions.report(['on'], '`resource` and `on` both say where it holds.', 'Write one of them.')
  }
  if (!body.columns?.length && !body.paths?.length) {
    conditions.report(
      [],
      'The Classification labels nothing.',
      'Write `columns: [{ match: public.customers.email, labels: [pii.email] }]`.',
    )
  }
  const patterns: ColumnPattern[] = []
  for (const [i, { match, labels }] of (body.columns ?? []).entries()) {
    const pattern = compileMatch(match, labels, undefined)
    if (pattern) patterns.push(pattern)
    else reportMatch(conditions, ['columns', i, 'match'], match)
  }
  for (const [i, { match, path, labels }] of (body.paths ?? []).entries()) {
    const steps = splitName(path)
    if (steps === undefined || steps.includes('')) {
      conditions.report(
        ['paths', i, 'path'],
        `"${path}" is not a path.`,
        'Write keys joined by dots: `contact.email`, `items.*.card`.',
      )
      continue
    }
    const pattern = compileMatch(match, labels, steps)
    if (pattern) patterns.push(pattern)
    else reportMatch(conditions, ['paths', i, 'match'], match)
  }
  return problems.length > before ? undefined : { resource: body.resource, on, patterns }
}

function compileMatch(
  match: string,
  labels: readonly string[],
  path: readonly string[] | undefined,
): ColumnPattern | undefined {
  const parts = splitName(match)
  if (parts === undefined || parts.length !== 3 || parts.includes('')) return undefined
  const [schema, relation, column] = parts as [string, string, string]
  return { schema: compilePart(schema), relation: compilePart(relation), column: compilePart(column), labels, path }
}

function reportMatch(conditions: Conditions, path: readonly PropertyKey[], match: string): void {
  const near = match.split('.').length === 2 ? `*.${match}` : 'public.customers.email'
  conditions.report(
    path,
    `"${match}" does not name a schema, a table and a column.`,
    `Write all three: \`${near}\`; \`*\` stands for any.`,
  )
}
