import { RunningProgram } from './exec.ts'
export class SftpProgram extends RunningProgram {}
