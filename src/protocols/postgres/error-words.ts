/**
 * Words of the server's own messages. Some messages put a value among them without quotation marks ("… is not a valid encoding name"), so
 * where values could be echoed only these words stay. A word that is missing costs readability, never a value.
 */
const WORDS = `a able aborted access active add administrator after again aggregate aggregates all allowed already also ambiguous an and another any
  appear are argument arguments array arrays as assignment at attempt attribute authentication available bad based be because been
  before began being beyond bigint bind bit block body boolean both bound boundary bounds box bracket by byte bytea bytes cached call
  called can canceled canceling cannot canonical case cast casts change changed character characters check cidr circle clause clauses
  closed closing code collation collations column columns command commands commas committed compared compatible concurrent concurrently
  condition conflict conflicting conflicts connection connections constraint constraints contain contains context conversion convert
  copy correct correlation could count crash create created cursor cursors data database date dates day deadlock decoding default
  deferred defined definition delete deleted denied dependent depends detected determine different digit digits dimension dimensions
  directly disk distinct division do document does domain done double down drop due duplicate during each element elements empty encoding end
  ends enough entry enum error escape exactly exceed exceeded exceeds exceptions exclusion execute exist existing exists expand expected
  explicit exponent expression expressions extra failed failing false fast feature few field fields file first for foreign form format
  found from full function functions generated geometry given group grouping had has have having held hexadecimal high hint hour
  identifier if ignored immutable implicit in inconsistent index inet infer infinite infinity inheritance input insert inserted inside
  instead insufficient int2 int4 int8 integer internal international interval into invalid invoked is isolation it item items its join
  json jsonb key keys label large last lateral leading least left length less level limit line list literal local locale lock locked log
  long longer loop low lower macaddr macro malformed many match matches matching maximum may meant memory message method might minimum
  minute missing mode modified modulus money month more most multiple multirange must name named names natural near need needed negative
  nested new next no node non none normalization not nothing null nulls number numbers numeric object objects occurred of off offset oid
  on once one only open opening operand operands operation operator operators option options or order ordering other out outer output
  outside overflow overflows overlapping own owner padding parameter parameters parentheses parenthesis parse part partition partitioned
  path pattern perhaps permission permitted place point polygon portal position positive power precisely precision prepared primary
  privilege privileges procedure processed property protocol provided query quoted range ranges reached read real recognized record
  recovery recursive reduce reference referenced references referencing refers regexp regular rejected relation relations remaining
  remove replication request requested require required requires reset resource resources result results retry return returned returning
  returns right role rollback row rows rule same savepoint scalar scale schema second see select sequence sequences serialize server
  session set sets shared short shorter should shutdown sign since single size slash slot slots smallint snapshot source space
  specification specified specify square stable stack standby start starting state statement statements still string strings subqueries
  subquery subscript subscripts subtract such sum supplied supported supposed syntax system table tables tag target temporary terminated
  terminating text than that the then there they this time timeout times timestamp timestamps to token too trailing transaction
  transactions transform trigger true try tsquery tsvector tuple two type types unable undefined underflow unexpected unicode union
  unique unit units unknown unlimited unnamed unrecognized unsafe unsupported unterminated until up update updated upper use used user
  uses using uuid valid value values varchar variable varying vector version via view views violates violation volatile was week weight
  were when where which while width window with within without word words would write xml year you your zero zeros zone`

const KNOWN: ReadonlySet<string> = new Set(WORDS.split(/\s+/))

/** True for a word the server itself says, in any case. */
export function isServerWord(word: string): boolean {
  return KNOWN.has(word.toLowerCase())
}
