import type { Secret } from '../kit/secret.ts'
import type { MaskDuty } from '../model/decision.ts'
import { type CellMasker, type CellType, constantMasker, type Masked } from './cell.ts'
import { containerMasker } from './container.ts'
import { jsonMasker, type PathLabels } from './json-masker.ts'
import { NESTING } from './limits.ts'
import type { TextScrubber } from './text-scrubber.ts'
import { typeShape } from './type-table.ts'

export interface Scrubbing {
  readonly scrubber: TextScrubber | undefined
  readonly paths: readonly PathLabels[]
  readonly duties: readonly MaskDuty[]
  readonly key: Secret
}

/** The masker of an unlabelled column: looks for values in what holds text. Undefined for types that hold none. */
export function scrubMasker(type: CellType, scrubbing: Scrubbing, depth = 0): CellMasker | undefined {
  if (depth > NESTING) return constantMasker(null)
  const { family, element } = typeShape(type.typeOid)
  if (family === 'json' || family === 'jsonb') return jsonMasker(scrubbing, family === 'jsonb' && type.format === 1)
  const { scrubber } = scrubbing
  if (!scrubber) return undefined
  switch (family) {
    case 'text':
      return type.typeOid === 0 && type.format === 1 ? nullOnFind(scrubber) : plain(scrubber)
    case 'xml':
      return xml(scrubber)
    case 'opaque':
      return type.format === 1 ? nullOnFind(scrubber) : plain(scrubber)
    case 'record':
      return type.format === 1 ? containerMasker('record', memberMaskers(scrubbing, depth)) : plain(scrubber)
    case 'array':
      return type.format === 1 ? binaryArray(element, scrubbing, depth) : textArray(element, scrubber, scrubbing)
    default:
      return undefined
  }
}

function binaryArray(element: number, scrubbing: Scrubbing, depth: number): CellMasker | undefined {
  if (!scrubMasker({ typeOid: element, format: 1 }, scrubbing, depth + 1)) return undefined
  return containerMasker('array', memberMaskers(scrubbing, depth))
}

/** Maskers of members by the oid the value itself names; made once per oid. */
function memberMaskers(scrubbing: Scrubbing, depth: number): (typeOid: number) => CellMasker | undefined {
  const known = new Map<number, CellMasker | undefined>()
  return (typeOid) => {
    // Oids come from the wire: a bound, so that a peer cannot grow the map.
    if (known.size > 1024) known.clear()
    if (!known.has(typeOid)) known.set(typeOid, scrubMasker({ typeOid, format: 1 }, scrubbing, depth + 1))
    return known.get(typeOid)
  }
}

function textArray(element: number, scrubber: TextScrubber, scrubbing: Scrubbing): CellMasker | undefined {
  const { family } = typeShape(element)
  // A replacement is safe inside an element of characters; inside a document it might not be.
  if (family === 'json' || family === 'jsonb' || family === 'xml') return nullOnFind(scrubber)
  return scrubMasker({ typeOid: element, format: 0 }, scrubbing) && plain(scrubber)
}

function plain(scrubber: TextScrubber): CellMasker {
  return {
    mask(bytes: Buffer, start: number, end: number): Masked {
      return scrubber.mightMatch(bytes, start, end) ? scrubber.scrub(bytes, start, end) : undefined
    },
  }
}

/** For values whose inner form is not known: one find hides the whole. */
function nullOnFind(scrubber: TextScrubber): CellMasker {
  return {
    mask(bytes: Buffer, start: number, end: number): Masked {
      const text = bytes.toString('latin1', start, end)
      if (!scrubber.mightMatch(bytes, start, end) && !text.includes('\\u')) return undefined
      const decoded = text.replace(/\\+u([0-9a-f]{4})/gi, (_all, code) =>
        String.fromCharCode(Number.parseInt(code, 16)),
      )
      return scrubber.scrubText(text) === undefined && scrubber.scrubText(decoded) === undefined ? undefined : null
    },
  }
}

const XML_REDACTED = Buffer.from('<masked/>')

/** Replaces inside the document; a value spelled with character references hides the whole. */
function xml(scrubber: TextScrubber): CellMasker {
  const within = plain(scrubber)
  return {
    mask(bytes: Buffer, start: number, end: number): Masked {
      const masked = within.mask(bytes, start, end)
      const text = masked ? masked.toString() : bytes.toString('utf8', start, end)
      if (!text.includes('&#')) return masked
      const decoded = text.replace(/&#(?:x([0-9a-f]{1,6})|(\d{1,7}));/gi, (_all, hex, decimal) =>
        characterOf(hex ? Number.parseInt(hex, 16) : Number(decimal)),
      )
      return scrubber.scrubText(decoded) === undefined ? masked : XML_REDACTED
    },
  }
}

function characterOf(code: number): string {
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ' '
}
