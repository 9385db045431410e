import { workerData } from 'node:worker_threads'
import { SluiceError } from '../kit/errors.ts'
import { answerQuestions } from '../kit/thread.ts'
import { normalise } from './ast.ts'
import { Grammar } from './grammar.ts'
import { NODES_MAX, TREE_TEXT_MAX, WORKER_NODES_MAX } from './limits.ts'
import type { Tree } from './parsed.ts'
import { countNodes, prune, withoutConstantRows } from './prune.ts'

/** The thread that parses large texts, each answered with its pruned tree. */
const grammar = new Grammar(workerData.major as number)

answerQuestions(pruned)

function pruned(text: string): Tree {
  const json = withoutConstantRows(grammar.parse(text))
  if (json.length > TREE_TEXT_MAX) throw new SluiceError('sql.too_large', 'the syntax tree is too large')
  const statements = JSON.parse(json).stmts
  const { unknown, parameters } = normalise(statements, WORKER_NODES_MAX)
  prune(statements.map((one: { stmt: object }) => one.stmt))
  if (countNodes(statements) > NODES_MAX) throw new SluiceError('sql.too_large', `more than ${NODES_MAX} grammar nodes`)
  return { statements, unknown, parameters }
}
