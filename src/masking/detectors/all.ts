import { cardDetector, ibanDetector, ssnDetector } from './account.ts'
import { emailDetector, phoneDetector } from './contact.ts'
import type { Detector } from './detector.ts'
import { ipDetector } from './network.ts'
import { hasSecretPrefix, namedDetectors, prefixDetectors } from './secret.ts'

/** Detectors that are asked together. */
export interface DetectorGroup {
  readonly detectors: readonly Detector[]
  /** False when none of them can find anything: cheaper than asking each. */
  mightFind(text: string): boolean
}

/** Every detector there is. */
export const DETECTOR_GROUPS: readonly DetectorGroup[] = [
  {
    detectors: [emailDetector, cardDetector, ibanDetector, ssnDetector, phoneDetector, ipDetector, ...namedDetectors],
    mightFind: () => true,
  },
  { detectors: prefixDetectors, mightFind: hasSecretPrefix },
]
