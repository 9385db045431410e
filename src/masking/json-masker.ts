import type { Secret } from '../kit/secret.ts'
import type { MaskDuty } from '../model/decision.ts'
import type { CellMasker, Masked } from './cell.ts'
import { decodeString, type JsonVisitor, rewriteJson, UnreadableJson } from './json.ts'
import { type Treatment, treatmentOf } from './labels.ts'
import { replacementText } from './replacement.ts'
import { readText, writeText } from './text-bytes.ts'
import type { TextScrubber } from './text-scrubber.ts'
import { REDACTED } from './type-table.ts'

/** Labels of a place inside a json or jsonb column. */
export interface PathLabels {
  /** Object keys from the top. Arrays on the way are entered without a step of their own; `*` is any key. */
  readonly path: readonly string[]
  readonly labels: readonly string[]
}

interface PathNode {
  readonly children: Map<string, PathNode>
  treatment?: Treatment
}

/** Places of the label tree that hold at one place of the document: a key may match by name and by `*`. */
type Places = readonly PathNode[]

export interface JsonMasking {
  readonly paths: readonly PathLabels[]
  readonly duties: readonly MaskDuty[]
  readonly scrubber: TextScrubber | undefined
  readonly key: Secret
}

/**
 * Masks inside json (text, and binary, which is the same) and jsonb (`versioned`: binary begins with a version byte) and
 * keeps it valid. Undefined when neither a path nor a detector applies. A document it cannot read becomes NULL.
 */
export function jsonMasker(masking: JsonMasking, versioned: boolean): CellMasker | undefined {
  const tree = pathTree(masking)
  const { scrubber } = masking
  if (tree === undefined && scrubber === undefined) return undefined
  const visitor = jsonVisitor(masking)
  const root = tree ? [tree] : []
  return {
    mask(bytes: Buffer, start: number, end: number): Masked {
      const from = versioned ? start + 1 : start
      if (versioned && bytes[start] !== 1) return null
      // An escape may spell any character: `@` for an @.
      if (!tree && !scrubber!.mightMatch(bytes, from, end) && !hasEscape(bytes, from, end)) return undefined
      try {
        const rewritten = rewriteJson(readText(bytes, from, end), root, visitor)
        if (rewritten === undefined) return undefined
        return writeText(versioned ? `\x01${rewritten}` : rewritten)
      } catch (thrown) {
        if (thrown instanceof UnreadableJson) return null
        throw thrown
      }
    },
  }
}

function jsonVisitor({ scrubber, key }: JsonMasking): JsonVisitor<Places> {
  return {
    scalar: (text) => scrubber?.scrubText(text),
    enter(places, name) {
      if (places.length === 0) return places
      return places.flatMap((place) =>
        [place.children.get(name), place.children.get('*')].filter((node) => node !== undefined),
      )
    },
    whole(places, raw) {
      let treatment: Treatment | undefined
      for (const place of places) if (place.treatment) treatment = strongerOf(treatment, place.treatment)
      return treatment && maskedJson(raw(), treatment, key)
    },
  }
}

/** The JSON value that stands for a labelled one: of the same type where that says nothing, else a string; null stays null. */
function maskedJson(raw: string, treatment: Treatment, key: Secret): string {
  if (raw === 'null' || treatment.transform === 'null') return 'null'
  const first = raw[0]!
  if (first === '{' || first === '[') return JSON.stringify(REDACTED)
  const value = first === '"' ? decodeString(raw) : raw
  if (treatment.transform === 'hash' || treatment.transform === 'tokenize' || first === '"') {
    return JSON.stringify(replacementText(value, treatment, key))
  }
  return raw === 'true' || raw === 'false' ? 'false' : '0'
}

function pathTree({ paths, duties }: JsonMasking): PathNode | undefined {
  const root: PathNode = { children: new Map() }
  let any = false
  for (const { path, labels } of paths) {
    const treatment = treatmentOf(labels, duties)
    if (!treatment) continue
    any = true
    let node = root
    for (const step of path) {
      const next = node.children.get(step) ?? { children: new Map() }
      node.children.set(step, next)
      node = next
    }
    node.treatment = strongerOf(node.treatment, treatment)
  }
  return any ? root : undefined
}

function strongerOf(known: Treatment | undefined, treatment: Treatment): Treatment {
  // A name and `*`, or two entries for one path, asking for different things: nothing of the value is shown.
  return known && known.transform !== treatment.transform ? { transform: 'redact', kind: 'other' } : treatment
}

const BACKSLASH = 92
const LOWER_U = 117

function hasEscape(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end - 1; i++) if (bytes[i] === BACKSLASH && bytes[i + 1] === LOWER_U) return true
  return false
}
