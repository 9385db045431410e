import { parentPort, Worker } from 'node:worker_threads'
import type { ErrorCode } from './catalogue.ts'
import { SluiceError, toSluiceError } from './errors.ts'

/** How much a thread may cost. */
export interface ThreadBounds {
  /** For one question; what it asked is refused then, and the thread replaced. */
  readonly deadline_ms: number
  /** Questions that may wait. */
  readonly queue: number
  readonly heap_mb: number
}

export interface ThreadOptions<Q> {
  /** The thread's file, as `threadFile` gives it: it calls `answerQuestions`. */
  readonly file: URL
  readonly workerData?: unknown
  readonly bounds: ThreadBounds
  /** What is thrown when too many wait. */
  readonly busy: () => SluiceError
  /** What is thrown for the question a thread hung or died of. */
  readonly lost: (why: string) => SluiceError
  /** Questions after which the thread is replaced: it may have grown. */
  readonly recycle?: (question: Q) => boolean
}

interface Waiting<Q, A> {
  readonly id: number
  readonly question: Q
  readonly resolve: (answer: A) => void
  readonly reject: (error: SluiceError) => void
}

type Reply<A> =
  | { readonly id: number; readonly answer: A }
  | { readonly id: number; readonly code: ErrorCode; readonly detail: string }

/** A file beside the one that names it. The published package holds .js where the sources hold .ts. */
export function threadFile(name: string, beside: string): URL {
  return new URL(`./${name}${beside.endsWith('.ts') ? '.ts' : '.js'}`, beside)
}

/**
 * Heavy work off the event loop: one question at a time, each within a deadline. A thread that dies or hangs is replaced; the question it was
 * at is refused, those behind it are not.
 */
export class Thread<Q, A> {
  readonly #options: ThreadOptions<Q>
  readonly #queue: Waiting<Q, A>[] = []
  #worker: Worker | undefined
  #running: Waiting<Q, A> | undefined
  #lastId = 0

  constructor(options: ThreadOptions<Q>) {
    this.#options = options
  }

  /** Rejects with what the thread threw, with `busy` when too many wait, with `lost` after the deadline or an end. */
  ask(question: Q): Promise<A> {
    const { bounds, busy } = this.#options
    if (this.#queue.length >= bounds.queue) return Promise.reject(busy())
    return new Promise((resolve, reject) => {
      this.#queue.push({ id: ++this.#lastId, question, resolve, reject })
      this.#next()
    })
  }

  #next(): void {
    if (this.#running) return
    const waiting = this.#queue.shift()
    if (!waiting) {
      // An idle thread must not keep the process.
      this.#worker?.unref()
      return
    }
    this.#running = waiting
    const worker = this.#worker ?? this.#start()
    worker.ref()
    // A deadline that outlives its question finds another one running.
    const late = () => waiting === this.#running && this.#abandon(worker, 'deadline')
    AbortSignal.timeout(this.#options.bounds.deadline_ms).addEventListener('abort', late, { once: true })
    worker.postMessage({ id: waiting.id, question: waiting.question })
  }

  #start(): Worker {
    const { file, workerData, bounds } = this.#options
    const worker = new Worker(file, {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: bounds.heap_mb },
      // What the gateway itself was started with (an --eval, an inspector) is not meant for the thread.
      execArgv: [],
      stdout: false,
      stderr: false,
    })
    worker.on('message', (reply: Reply<A>) => this.#answered(worker, reply))
    worker.on('error', (error) => this.#abandon(worker, error instanceof Error ? error.message : String(error)))
    worker.on('exit', () => this.#abandon(worker, 'the thread ended'))
    this.#worker = worker
    return worker
  }

  #answered(worker: Worker, reply: Reply<A>): void {
    const waiting = this.#running
    if (worker !== this.#worker || !waiting || reply.id !== waiting.id) return
    if (this.#options.recycle?.(waiting.question)) this.#drop(worker)
    this.#running = undefined
    if ('code' in reply) waiting.reject(new SluiceError(reply.code, reply.detail))
    else waiting.resolve(reply.answer)
    this.#next()
  }

  /** The thread is of no use any more: what it was doing is refused. */
  #abandon(worker: Worker, why: string): void {
    if (worker !== this.#worker) return
    this.#drop(worker)
    const waiting = this.#running
    this.#running = undefined
    waiting?.reject(this.#options.lost(why))
    this.#next()
  }

  #drop(worker: Worker): void {
    this.#worker = undefined
    void worker.terminate()
  }
}

/** The thread's end: answers every question, in its turn. */
export function answerQuestions<Q, A>(work: (question: Q) => A | Promise<A>): void {
  parentPort?.on('message', async ({ id, question }: { id: number; question: Q }) => {
    parentPort?.postMessage(await replyTo(id, () => work(question)))
  })
}

async function replyTo<A>(id: number, work: () => A | Promise<A>): Promise<Reply<A>> {
  try {
    return { id, answer: await work() }
  } catch (error) {
    const { code, detail } = toSluiceError(error)
    return { id, code, detail }
  }
}
