/** How a type's value is read and what stands for a redacted one. */
export interface TypeShape {
  /**
   * `text` plain characters · `json` `jsonb` `xml` documents · `array` of `element` · `record` · `opaque` a type of the
   * database's own, or one whose input nobody could write by hand · the rest by name: fixed-width or numeric values.
   */
  readonly family: Family
  /** A valid value in text format, or null where none is valid for every value of the type. */
  readonly text: string | null
  /** The same in binary format. */
  readonly binary: Buffer | null
  /** Element type of an array, 0 otherwise. */
  readonly element: number
}

export type Family =
  | 'text'
  | 'json'
  | 'jsonb'
  | 'xml'
  | 'array'
  | 'record'
  | 'int'
  | 'numeric'
  | 'date'
  | 'timestamp'
  | 'uuid'
  | 'plain'
  | 'opaque'

/** What a redacted text reads. Free of every character that arrays, composites, ranges, JSON and XML give a meaning. */
export const REDACTED = '*masked*'

const JSON_REDACTED = `"${REDACTED}"`
const hex = (text: string): string => Buffer.from(text).toString('hex')
const zeros = (bytes: number): string => '00'.repeat(bytes)

/** oid, family, text, binary as hex. Binary forms: each type's receive function in the server's src/backend/utils/adt. */
const SCALARS: readonly (readonly [number, Family, string | null, string | null])[] = [
  [25, 'text', REDACTED, hex(REDACTED)], // text
  [1043, 'text', REDACTED, hex(REDACTED)], // varchar
  [1042, 'text', REDACTED, hex(REDACTED)], // bpchar
  [19, 'text', REDACTED, hex(REDACTED)], // name
  [705, 'text', REDACTED, hex(REDACTED)], // unknown
  [2275, 'text', REDACTED, hex(REDACTED)], // cstring
  [1790, 'text', REDACTED, hex(REDACTED)], // refcursor
  [18, 'plain', '*', hex('*')], // "char"
  [114, 'json', JSON_REDACTED, hex(JSON_REDACTED)],
  [3802, 'jsonb', JSON_REDACTED, `01${hex(JSON_REDACTED)}`],
  [4072, 'plain', '$', `01${hex('$')}`], // jsonpath
  [142, 'xml', '<masked/>', hex('<masked/>')],
  [21, 'int', '0', zeros(2)],
  [23, 'int', '0', zeros(4)],
  [20, 'int', '0', zeros(8)],
  [26, 'plain', '0', zeros(4)], // oid
  [700, 'plain', '0', zeros(4)], // float4
  [701, 'plain', '0', zeros(8)], // float8
  [1700, 'numeric', '0', zeros(8)],
  [790, 'plain', '0.00', zeros(8)], // money
  [16, 'plain', 'f', zeros(1)], // bool
  [1082, 'date', '2000-01-01', zeros(4)],
  [1114, 'timestamp', '2000-01-01 00:00:00', zeros(8)],
  [1184, 'timestamp', '2000-01-01 00:00:00+00', zeros(8)],
  [1083, 'plain', '00:00:00', zeros(8)], // time
  [1266, 'plain', '00:00:00+00', zeros(12)], // timetz
  [1186, 'plain', '00:00:00', zeros(16)], // interval
  [2950, 'uuid', '00000000-0000-0000-0000-000000000000', zeros(16)],
  [17, 'plain', '\\x', ''], // bytea
  [869, 'plain', '0.0.0.0', '0220000400000000'], // inet: family, bits, is_cidr, length, address
  [650, 'plain', '0.0.0.0/32', '0220010400000000'], // cidr
  [829, 'plain', '00:00:00:00:00:00', zeros(6)], // macaddr
  [774, 'plain', '00:00:00:00:00:00:00:00', zeros(8)], // macaddr8
  [1560, 'plain', '0', '0000000100'], // bit
  [1562, 'plain', '', zeros(4)], // varbit
  [3614, 'plain', '', zeros(4)], // tsvector
  [3615, 'plain', "'masked'", `00000001010000${hex('masked')}00`], // tsquery: one operand, no weight, no prefix
  [600, 'plain', '(0,0)', zeros(16)], // point
  [601, 'plain', '[(0,0),(0,0)]', zeros(32)], // lseg
  [602, 'plain', '((0,0))', `0100000001${zeros(16)}`], // path: closed, one point
  [603, 'plain', '(0,0),(0,0)', zeros(32)], // box
  [604, 'plain', '((0,0))', `00000001${zeros(16)}`], // polygon
  [628, 'plain', '{1,0,0}', `3ff0000000000000${zeros(16)}`], // line
  [718, 'plain', '<(0,0),0>', zeros(24)], // circle
  [3220, 'plain', '0/0', zeros(8)], // pg_lsn
  [28, 'plain', '0', zeros(4)], // xid
  [29, 'plain', '0', zeros(4)], // cid
  [5069, 'plain', '0', zeros(8)], // xid8
  [27, 'plain', '(0,0)', zeros(6)], // tid
  [2249, 'record', null, null],
]

/** reg* types: 0 is the invalid oid. (They print it as a dash, which is also an operator.) */
const REG_TYPES = [24, 2202, 2203, 2204, 2205, 2206, 4096, 4089, 3734, 3769, 4191]
const RANGES = [3904, 3906, 3908, 3910, 3912, 3926]
const MULTIRANGES = [4451, 4532, 4533, 4534, 4535, 4536]

/** Array oid, element oid. */
// biome-ignore format: a table reads better than a column
const ARRAYS: readonly (readonly [number, number])[] = [
  [1000, 16], [1001, 17], [1002, 18], [1003, 19], [1005, 21], [1007, 23], [1008, 24], [1009, 25], [1010, 27], [1011, 28],
  [1012, 29], [1014, 1042], [1015, 1043], [1016, 20], [1017, 600], [1018, 601], [1019, 602], [1020, 603], [1021, 700],
  [1022, 701], [1027, 604], [1028, 26], [1040, 829], [775, 774], [1041, 869], [651, 650], [1115, 1114], [1182, 1082],
  [1183, 1083], [1185, 1184], [1187, 1186], [1231, 1700], [1270, 1266], [1561, 1560], [1563, 1562], [199, 114], [3807, 3802],
  [143, 142], [2951, 2950], [791, 790], [2201, 1790], [629, 628], [719, 718], [3905, 3904], [3907, 3906], [3909, 3908],
  [3911, 3910], [3913, 3912], [3927, 3926], [3643, 3614], [3645, 3615], [4073, 4072], [3221, 3220], [271, 5069],
  [6150, 4451], [6151, 4532], [6152, 4533], [6153, 4534], [6155, 4535], [6157, 4536], [2287, 2249], [1263, 2275],
  [2207, 2202], [2208, 2203], [2209, 2204], [2210, 2205], [2211, 2206], [4097, 4096], [4090, 4089], [3735, 3734],
  [3770, 3769], [4192, 4191],
]

const SHAPES = new Map<number, TypeShape>()

function define(oid: number, family: Family, text: string | null, binary: string | null, element = 0): void {
  SHAPES.set(oid, { family, text, binary: binary === null ? null : Buffer.from(binary, 'hex'), element })
}

for (const [oid, family, text, binary] of SCALARS) define(oid, family, text, binary)
for (const oid of REG_TYPES) define(oid, 'plain', '0', zeros(4))
for (const oid of RANGES) define(oid, 'plain', 'empty', '01')
for (const oid of MULTIRANGES) define(oid, 'plain', '{}', zeros(4))
for (const [oid, element] of ARRAYS) {
  // Binary array: dimensions, has-null flag, element oid.
  define(oid, 'array', '{}', zeros(8) + element.toString(16).padStart(8, '0'), element)
}

const OPAQUE: TypeShape = { family: 'opaque', text: null, binary: null, element: 0 }
/** COPY names no types: text and csv are characters whatever the column is. */
const UNTYPED: TypeShape = { family: 'text', text: REDACTED, binary: null, element: 0 }

/** The shape of a type. A type of the database's own is opaque; oid 0 is text in text format. */
export function typeShape(typeOid: number): TypeShape {
  if (typeOid === 0) return UNTYPED
  return SHAPES.get(typeOid) ?? OPAQUE
}

/** Every oid the table knows, for the test that holds it against a server's pg_type. */
export function knownTypeOids(): readonly number[] {
  return [...SHAPES.keys()]
}
