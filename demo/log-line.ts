import { visible, visibleLines } from '../src/cli/paint.ts'

/**
 * A line of the gateway's log as a person at a terminal reads it: what happened, then what is wrong, one problem a line. Fields that only
 * programs want (times, versions, stacks) are left out of what is expected, and kept of what is not. What callers wrote stays on its line and
 * cannot act on the terminal (ATTACKS D24).
 */
export function formatLogLine(line: string): string {
  const { level, message, time: _, problems, policy, stack, ...rest } = JSON.parse(line) as Record<string, unknown>
  const about = [typeof policy === 'string' ? `policy ${policy.slice(0, 12)}` : '', ...Object.entries(rest).map(field)]
  const heading = `${visible(String(message))}${about.some(Boolean) ? ` (${about.filter(Boolean).join(', ')})` : ''}`
  const below = Array.isArray(problems) ? problems.map((problem) => `  ${visible(String(problem))}`) : []
  if (typeof stack === 'string') below.push(visibleLines(stack))
  return [level === 'info' ? heading : `${String(level)}: ${heading}`, ...below].join('\n')
}

function field([name, value]: [string, unknown]): string {
  return name === 'rules'
    ? `${String(value)} rules`
    : `${name} ${visible(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))}`
}
