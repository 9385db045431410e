import { StreamScrubber, textScrubber } from '../../masking/index.ts'
import type { MaskDuty } from '../../model/decision.ts'
import { MASK_PAUSE_MS } from './channel-limits.ts'
import type { Deciding } from './decide.ts'

/** Masks one stream of output while it passes. */
export interface OutputMask {
  push(bytes: Buffer): void
  end(): void
}

export interface OutputMaskParts {
  readonly duties: readonly MaskDuty[]
  readonly house: Deciding
  readonly show: (bytes: Buffer) => void
}

/** Undefined when no duty names a value that can be found in text. `show` gets what may be seen. */
export function outputMask({ duties, house, show }: OutputMaskParts): OutputMask | undefined {
  const scrubber = textScrubber(duties, house.session.maskKey)
  if (!scrubber) return undefined
  const stream = new StreamScrubber(scrubber)
  let timer: NodeJS.Timeout | undefined
  // A prompt has no newline: it is shown when nothing more comes for a moment.
  const pause = () => {
    timer = undefined
    show(stream.flush())
  }
  return {
    push(bytes) {
      clearTimeout(timer)
      show(stream.push(bytes))
      timer = setTimeout(() => house.run(pause), MASK_PAUSE_MS)
    },
    end() {
      clearTimeout(timer)
      show(stream.end())
    },
  }
}
