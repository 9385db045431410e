import { SluiceError } from '../kit/errors.ts'
import { Thread, threadFile } from '../kit/thread.ts'
import { TEXT_MAX, WORKER_DEADLINE_MS, WORKER_HEAP_MB, WORKER_QUEUE_MAX, WORKER_RECYCLE } from './limits.ts'
import type { Tree } from './parsed.ts'

/** Parses large texts off the event loop. A worker that has handled a very large text is replaced. */
export class LargeParser {
  readonly #thread: Thread<string, Tree>

  constructor(major: number, deadline_ms = WORKER_DEADLINE_MS) {
    this.#thread = new Thread({
      file: threadFile('worker', import.meta.url),
      workerData: { major },
      bounds: { deadline_ms, queue: WORKER_QUEUE_MAX, heap_mb: WORKER_HEAP_MB },
      busy: () => new SluiceError('limit.buffer', 'too many large statements wait'),
      lost: (why) => new SluiceError('sql.too_large', why),
      recycle: (text) => text.length > WORKER_RECYCLE,
    })
  }

  /** Rejects with `sql.syntax`, `sql.too_large` (size, deadline, memory), or `limit.buffer` when too many wait. */
  parse(text: string): Promise<Tree> {
    if (text.length > TEXT_MAX) return Promise.reject(new SluiceError('sql.too_large', `${text.length} characters`))
    return this.#thread.ask(text)
  }
}
