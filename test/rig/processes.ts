import { mustRun } from './child.ts'

/** The command lines of every process of this machine. */
export const commandLines = async (): Promise<string[]> => (await mustRun(['ps', '-eo', 'args'])).split('\n')
