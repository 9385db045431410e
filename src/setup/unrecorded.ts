import type { SluiceError } from '../kit/errors.ts'
import type { LedgerPort } from '../model/ports.ts'

/** The ledger or the transcripts: what may fail to be written. */
interface Failing {
  readonly failure: SluiceError | undefined
  onFailure(listener: () => void): () => void
}

/** While transcripts cannot be written nothing may be forwarded: then no tick's ledger entries count as written either. */
export function unlessUnrecorded(ledger: LedgerPort, transcripts: Pick<Failing, 'failure'>): LedgerPort {
  return {
    append: (kind, body) => ledger.append(kind, body),
    commit: () => {
      ledger.commit()
      if (transcripts.failure) throw transcripts.failure
    },
    durable: () => ledger.durable(),
  }
}

/** How long sessions may run on while nothing can be recorded: a disk that is back at once ends nobody. */
const UNRECORDED_MS = 2_000

/** What runs on while nothing can be recorded is ended (ATTACKS G43). Returns what stops the watch. */
export function endUnrecorded(gateway: { end(why: SluiceError): void }, sources: readonly Failing[]): () => void {
  let timer: NodeJS.Timeout | undefined
  const failure = () => sources.find((source) => source.failure)?.failure
  const stop = () => {
    clearInterval(timer)
    timer = undefined
  }
  const look = () => {
    if (!failure()) return stop()
    timer ??= setInterval(() => {
      const why = failure()
      if (why) gateway.end(why)
    }, UNRECORDED_MS)
  }
  const unsubscribes = sources.map((source) => source.onFailure(look))
  look()
  return () => {
    for (const unsubscribe of unsubscribes) unsubscribe()
    stop()
  }
}
