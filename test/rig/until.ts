/** Looks again and again until something holds; throws after `limit_ms`. For what a server does in its own time, asked of the server itself. */
export async function until(holds: () => Promise<boolean>, limit_ms = 20_000): Promise<void> {
  for (const end = Date.now() + limit_ms; !(await holds()); )
    if (Date.now() > end) throw new Error(`it never became so: ${holds}`)
    // A condition that asks nobody would otherwise keep everything else from happening.
    else await new Promise((resolve) => setImmediate(resolve))
}
