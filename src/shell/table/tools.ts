import type { CommandDocument } from '../spec.ts'

/** Tools of the trade: containers, clusters, infrastructure, databases, version control's fixed parts. */
export const TOOLS: Readonly<Record<string, CommandDocument>> = {}
