import type { Secret } from '../kit/secret.ts'
import type { MaskDuty } from '../model/decision.ts'
import { DETECTOR_GROUPS } from './detectors/all.ts'
import type { Detector } from './detectors/detector.ts'
import { type Treatment, treatmentOf } from './labels.ts'
import { normalise } from './normalise.ts'
import { mightMatch, SIGNS, signsOf } from './prefilter.ts'
import { replacementText } from './replacement.ts'
import { sequencesOf } from './terminal-sequences.ts'
import { readText, writeText } from './text-bytes.ts'
import { REDACTED } from './type-table.ts'

/** Finds and replaces values in text whose labels are not known. */
export interface TextScrubber {
  /** False: nothing in `bytes[start,end)` can match. Cheap; asked before `scrub`. */
  mightMatch(bytes: Uint8Array, start: number, end: number): boolean
  /** The text with every found value replaced, or undefined when nothing was found. */
  scrub(bytes: Buffer, start: number, end: number): Buffer | undefined
  /** The same over a string. */
  scrubText(text: string): string | undefined
  /**
   * Scrubs the beginning of a longer text: every value that begins before `cut`. Returns the scrubbed text and how much of
   * the original it stands for: to `cut`, or to the end of the value across it.
   */
  scrubHead(text: string, cut: number): { readonly scrubbed: string; readonly consumed: number }
}

/** The scrubber for the detectors whose labels a duty names, or undefined when there is none. */
export function textScrubber(duties: readonly MaskDuty[], key: Secret): TextScrubber | undefined {
  if (duties.length === 0) return undefined
  const groups = DETECTOR_GROUPS.map(({ detectors, mightFind }) => ({
    mightFind,
    active: detectors.flatMap((detector) => activeDetector(detector, duties)),
  })).filter(({ active }) => active.length > 0)
  return groups.length === 0 ? undefined : new DetectorScrubber(groups, key)
}

function activeDetector(detector: Detector, duties: readonly MaskDuty[]): ActiveDetector[] {
  // A duty on `secret` means every kind of secret.
  const treatment = treatmentOf([detector.label, detector.label.split('.')[0]!], duties)
  return treatment ? [{ detector, treatment: { transform: treatment.transform, kind: detector.kind } }] : []
}

interface ActiveGroup {
  readonly active: readonly ActiveDetector[]
  mightFind(text: string): boolean
}

interface ActiveDetector {
  readonly detector: Detector
  readonly treatment: Treatment
}

const EVERY_SIGN = -1

/** Holds short strings while the prefilter looks at their bytes. */
const scratch = Buffer.allocUnsafe(3072)

function textSigns(text: string): number {
  return text.length <= scratch.length / 3 ? signsOf(scratch, 0, scratch.write(text)) : EVERY_SIGN
}

interface Find {
  readonly start: number
  end: number
  /** Undefined when finds of different treatments overlap: then the whole stretch is redacted. */
  treatment: Treatment | undefined
}

/** A stretch of the original and what stands for it. */
interface Replacement {
  readonly start: number
  readonly end: number
  readonly by: string
}

function splice(text: string, replacements: readonly Replacement[], until: number): string {
  let out = ''
  let done = 0
  for (const { start, end, by } of replacements) {
    out += text.slice(done, start) + by
    done = end
  }
  return out + text.slice(done, until)
}

class DetectorScrubber implements TextScrubber {
  readonly #groups: readonly ActiveGroup[]
  readonly #key: Secret

  constructor(groups: readonly ActiveGroup[], key: Secret) {
    this.#groups = groups
    this.#key = key
  }

  mightMatch(bytes: Uint8Array, start: number, end: number): boolean {
    return mightMatch(bytes, start, end)
  }

  scrub(bytes: Buffer, start: number, end: number): Buffer | undefined {
    const signs = signsOf(bytes, start, end)
    if (signs === 0) return undefined
    // A SQL_ASCII database may hold anything, and what is not replaced must come back as it was.
    const text = readText(bytes, start, end)
    const found = this.#replacements(text, signs)
    return found.length === 0 ? undefined : writeText(splice(text, found, text.length))
  }

  scrubText(text: string): string | undefined {
    const signs = textSigns(text)
    if (signs === 0) return undefined
    const found = this.#replacements(text, signs)
    return found.length === 0 ? undefined : splice(text, found, text.length)
  }

  scrubHead(text: string, cut: number): { readonly scrubbed: string; readonly consumed: number } {
    const found = this.#replacements(text, EVERY_SIGN).filter(({ start }) => start < cut)
    const consumed = Math.max(cut, found.at(-1)?.end ?? 0)
    return { scrubbed: splice(text, found, consumed), consumed }
  }

  #replacements(text: string, signs: number): Replacement[] {
    const { text: folded, origin } = normalise(text)
    // What folds into ASCII may have hidden any other sign.
    const found = this.#find(folded, (signs & SIGNS.folds) === 0 ? signs : textSigns(folded) & ~SIGNS.folds)
    return found.map((find) => {
      const start = beforePair(text, origin ? origin[find.start]! : find.start)
      const end = afterPair(text, origin ? endInOriginal(origin, find.end) : find.end)
      const value = folded.slice(find.start, find.end)
      const by = find.treatment ? replacementText(value, find.treatment, this.#key) : REDACTED
      return { start, end, by: origin ? by + sequencesOf(text.slice(start, end)) : by }
    })
  }

  /** Every find, in order, overlapping ones joined. */
  #find(text: string, signs: number): Find[] {
    const found: Find[] = []
    for (const group of this.#groups) {
      if (!group.active.some(({ detector }) => (detector.needs & signs) !== 0) || !group.mightFind(text)) continue
      for (const { detector, treatment } of group.active) {
        if ((detector.needs & signs) === 0) continue
        detector.find(text, (start, end) => found.push({ start, end, treatment }))
      }
    }
    if (found.length < 2) return found
    found.sort((a, b) => a.start - b.start || b.end - a.end)
    const joined: Find[] = []
    for (const find of found) {
      const last = joined.at(-1)
      if (!last || find.start >= last.end) {
        joined.push(find)
        continue
      }
      // One inside the other of the same strength: the outer one's shape stands.
      const inside = find.end <= last.end && find.treatment?.transform === last.treatment?.transform
      if (!inside) last.treatment = undefined
      last.end = Math.max(last.end, find.end)
    }
    return joined
  }
}

/** A bound of a detector may fall within a surrogate pair: the character is taken whole. */
function beforePair(text: string, at: number): number {
  return withinPair(text, at) ? at - 1 : at
}

function afterPair(text: string, at: number): number {
  return withinPair(text, at) ? at + 1 : at
}

/** True between the two halves of a surrogate pair. */
export function withinPair(text: string, at: number): boolean {
  return (text.charCodeAt(at - 1) & 0xfc00) === 0xd800 && (text.charCodeAt(at) & 0xfc00) === 0xdc00
}

/** Where the original goes on after the folded place `end`: a character that folds into several is taken whole. */
function endInOriginal(origin: Int32Array, end: number): number {
  let next = end
  while (next < origin.length - 1 && origin[next] === origin[end - 1]) next++
  return origin[next]!
}
