import { Worker } from 'node:worker_threads'
import type { ErrorCode } from '../kit/catalogue.ts'
import { SluiceError } from '../kit/errors.ts'
import { TEXT_MAX, WORKER_DEADLINE_MS, WORKER_HEAP_MB, WORKER_QUEUE_MAX, WORKER_RECYCLE } from './limits.ts'
import type { Tree } from './parsed.ts'

export interface LargeQuestion {
  readonly id: number
  readonly text: string
}

export type LargeAnswer = { readonly id: number } & (Tree | { readonly code: ErrorCode; readonly detail: string })

interface Waiting {
  readonly question: LargeQuestion
  readonly resolve: (tree: Tree) => void
  readonly reject: (error: SluiceError) => void
}

/**
 * Parses large texts off the event loop, one at a time, each within a deadline. A worker that dies, hangs or has handled a very large text is
 * replaced; the text it died of is refused.
 */
export class LargeParser {
  readonly #major: number
  readonly #deadline_ms: number
  readonly #queue: Waiting[] = []
  #worker: Worker | undefined
  #running: Waiting | undefined
  #lastId = 0

  constructor(major: number, deadline_ms = WORKER_DEADLINE_MS) {
    this.#major = major
    this.#deadline_ms = deadline_ms
  }

  /** Rejects with `sql.syntax`, `sql.too_large` (size, deadline, memory), or `limit.buffer` when too many wait. */
  parse(text: string): Promise<Tree> {
    if (text.length > TEXT_MAX) return Promise.reject(new SluiceError('sql.too_large', `${text.length} characters`))
    if (this.#queue.length >= WORKER_QUEUE_MAX)
      return Promise.reject(new SluiceError('limit.buffer', 'too many large statements wait'))
    return new Promise((resolve, reject) => {
      this.#queue.push({ question: { id: ++this.#lastId, text }, resolve, reject })
      this.#next()
    })
  }

  #next(): void {
    if (this.#running) return
    const waiting = this.#queue.shift()
    if (!waiting) {
      // An idle worker must not keep the process.
      this.#worker?.unref()
      return
    }
    this.#running = waiting
    const worker = this.#worker ?? this.#start()
    worker.ref()
    // A deadline that outlives its text finds another one running.
    const late = () => waiting === this.#running && this.#abandon(worker, 'deadline')
    AbortSignal.timeout(this.#deadline_ms).addEventListener('abort', late, { once: true })
    worker.postMessage(waiting.question)
  }

  #start(): Worker {
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: { major: this.#major },
      resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB },
      stdout: false,
      stderr: false,
    })
    worker.on('message', (answer: LargeAnswer) => this.#answered(worker, answer))
    worker.on('error', (error) => this.#abandon(worker, error instanceof Error ? error.message : String(error)))
    worker.on('exit', () => this.#abandon(worker, 'the worker ended'))
    this.#worker = worker
    return worker
  }

  #answered(worker: Worker, answer: LargeAnswer): void {
    const waiting = this.#running
    if (worker !== this.#worker || !waiting || answer.id !== waiting.question.id) return
    if (waiting.question.text.length > WORKER_RECYCLE) this.#drop(worker)
    this.#running = undefined
    if ('code' in answer) waiting.reject(new SluiceError(answer.code, answer.detail))
    else waiting.resolve(answer)
    this.#next()
  }

  /** The worker is of no use any more: what it was doing is refused. */
  #abandon(worker: Worker, why: string): void {
    if (worker !== this.#worker) return
    this.#drop(worker)
    const waiting = this.#running
    this.#running = undefined
    waiting?.reject(new SluiceError('sql.too_large', why))
    this.#next()
  }

  #drop(worker: Worker): void {
    this.#worker = undefined
    void worker.terminate()
  }
}
