import { cardDetector, ibanDetector, ssnDetector } from './account.ts'
import { emailDetector, phoneDetector } from './contact.ts'
import type { Detector } from './detector.ts'
import { ipDetector } from './network.ts'
import { secretDetectors } from './secret.ts'

/** Every detector there is. */
export const DETECTORS: readonly Detector[] = [
  emailDetector,
  cardDetector,
  ibanDetector,
  ssnDetector,
  phoneDetector,
  ipDetector,
  ...secretDetectors,
]
