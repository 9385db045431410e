import { type Node, names } from './ast.ts'
import { type LabelSet, NO_LABELS, union } from './labels.ts'

/**
 * Whether an expression fails tells something of the values in it, though no predicate is to be seen: `1 / (ascii(ssn) - 49)` (ATTACKS B35).
 * Everything not named here may fail for some value of its arguments.
 */

/** Never fail, whatever their arguments hold. */
const TOTAL = words(`any_value array_agg array_length array_to_json array_to_string array_upper ascii avg bit_length
  bool_and bool_or btrim cardinality char_length character_length coalesce concat concat_ws count dense_rank every first_value
  initcap isfinite json_agg json_build_array jsonb_agg jsonb_build_array lag last_value lead left length lower ltrim max md5 min
  num_nonnulls num_nulls octet_length position quote_ident quote_literal quote_nullable rank reverse right row_number row_to_json rtrim
  sha224 sha256 sha384 sha512 starts_with string_agg strpos sum textlen to_json to_jsonb upper`)

/** Never fail for what their first argument holds; the others may make them. */
const TOTAL_IN_FIRST =
  words(`json_extract_path json_extract_path_text jsonb_extract_path jsonb_extract_path_text like lpad notlike nth_value
  overlay regexp_count regexp_like regexp_match regexp_replace regexp_split_to_array regexp_substr replace rpad split_part
  string_to_array substr substring to_char translate`)

/** Never fail for what their last argument holds. */
const TOTAL_IN_LAST = words('date_part date_trunc extract')

const TOTAL_OPERATORS = words('|| = <> != < <= > >= -> ->> #> #>> @> <@ ? ?| ?&')
/** The pattern may be one that is none; the text is any. */
const MATCHES = words('~~ !~~ ~~* !~~* ~ !~ ~* !~*')

/** Text of any value there is. */
const TEXT_TYPES = words('text varchar bpchar char name')

const NODES = words(
  'JsonArrayQueryConstructor JsonFuncExpr JsonObjectAgg JsonObjectConstructor JsonParseExpr JsonSerializeExpr XmlExpr XmlSerialize',
)

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(/\s+/))
}

/** Labels that decide whether a call succeeds; `args` are those of its arguments, in order. */
export function callCanFail(name: string, args: readonly LabelSet[]): LabelSet {
  if (TOTAL.has(name)) return NO_LABELS
  if (TOTAL_IN_FIRST.has(name)) return args.slice(1).reduce(union, NO_LABELS)
  return (TOTAL_IN_LAST.has(name) ? args.slice(0, -1) : args).reduce(union, NO_LABELS)
}

/** The same for an operator between two operands. */
export function operatorCanFail(name: string, left: LabelSet, right: LabelSet): LabelSet {
  if (TOTAL_OPERATORS.has(name)) return NO_LABELS
  return MATCHES.has(name) ? right : union(left, right)
}

/** True when a cast to this type fails for some values. */
export function castCanFail(typeName: Node | undefined): boolean {
  if (!typeName) return true
  const array = Array.isArray(typeName.arrayBounds) && typeName.arrayBounds.length > 0
  return array || !TEXT_TYPES.has(names(typeName, 'names').at(-1) ?? '')
}

/** True for a construct that fails for some values of what stands in it. */
export function nodeCanFail(nodeType: string): boolean {
  return NODES.has(nodeType)
}
