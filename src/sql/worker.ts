import { parentPort, workerData } from 'node:worker_threads'
import { SluiceError, toSluiceError } from '../kit/errors.ts'
import { normalise } from './ast.ts'
import { Grammar } from './grammar.ts'
import type { LargeAnswer, LargeQuestion } from './large.ts'
import { NODES_MAX, TREE_TEXT_MAX, WORKER_NODES_MAX } from './limits.ts'
import { countNodes, prune, withoutConstantRows } from './prune.ts'

/** The thread that parses large texts: one text at a time, answered with its pruned tree. */
const grammar = new Grammar(workerData.major as number)

parentPort?.on('message', (question: LargeQuestion) => {
  parentPort?.postMessage(answer(question))
})

function answer(question: LargeQuestion): LargeAnswer {
  try {
    const json = withoutConstantRows(grammar.parse(question.text))
    if (json.length > TREE_TEXT_MAX) throw new SluiceError('sql.too_large', 'the syntax tree is too large')
    const statements = JSON.parse(json).stmts
    const { unknown, parameters } = normalise(statements, WORKER_NODES_MAX)
    prune(statements.map((one: { stmt: object }) => one.stmt))
    if (countNodes(statements) > NODES_MAX)
      throw new SluiceError('sql.too_large', `more than ${NODES_MAX} grammar nodes`)
    return { id: question.id, statements, unknown, parameters }
  } catch (error) {
    const { code, detail } = toSluiceError(error)
    return { id: question.id, code, detail }
  }
}
