import { SluiceError } from '../../kit/errors.ts'

/**
 * Settings a client may bring to its session's start. All are harmless: they format output, plan, or bound time. Whatever changes who the
 * session is, how text is read or what the server writes down is absent, and absent means refused (A40, A41).
 */
const ALLOWED: ReadonlySet<string> = new Set(
  `application_name array_nulls bytea_output check_function_bodies client_connection_check_interval client_min_messages
  constraint_exclusion cpu_index_tuple_cost cpu_operator_cost cpu_tuple_cost cursor_tuple_fraction datestyle
  debug_parallel_query default_statistics_target default_table_access_method default_tablespace default_toast_compression
  default_transaction_deferrable default_transaction_isolation default_transaction_read_only effective_cache_size
  effective_io_concurrency enable_async_append enable_bitmapscan enable_distinct_reordering enable_gathermerge
  enable_group_by_reordering enable_hashagg enable_hashjoin enable_incremental_sort enable_indexonlyscan enable_indexscan
  enable_material enable_memoize enable_mergejoin enable_nestloop enable_parallel_append enable_parallel_hash
  enable_partition_pruning enable_partitionwise_aggregate enable_partitionwise_join enable_presorted_aggregate
  enable_self_join_elimination enable_seqscan enable_sort enable_tidscan escape_string_warning extra_float_digits
  force_parallel_mode from_collapse_limit geqo geqo_effort geqo_generations geqo_pool_size geqo_seed geqo_selection_bias
  geqo_threshold gin_fuzzy_search_limit hash_mem_multiplier idle_in_transaction_session_timeout idle_session_timeout
  intervalstyle jit jit_above_cost jit_inline_above_cost jit_optimize_above_cost join_collapse_limit lc_monetary lc_numeric
  lc_time lock_timeout logical_decoding_work_mem maintenance_io_concurrency maintenance_work_mem max_parallel_maintenance_workers
  max_parallel_workers max_parallel_workers_per_gather min_parallel_index_scan_size min_parallel_table_scan_size
  parallel_leader_participation parallel_setup_cost parallel_tuple_cost plan_cache_mode quote_all_identifiers random_page_cost
  recursive_worktable_factor search_path seq_page_cost statement_timeout stats_fetch_consistency synchronous_commit
  tcp_keepalives_count tcp_keepalives_idle tcp_keepalives_interval tcp_user_timeout temp_buffers timezone transaction_timeout
  work_mem xmlbinary xmloption`.split(/\s+/),
)

/** A setting's name as the server compares it: ASCII letters fold, others do not. */
export function settingName(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/**
 * Adds one setting to `into`. The two settings that decide how text is read are accepted when they ask for what is pinned anyway, and are
 * not kept. Throws SluiceError `sql.setting` or `protocol.parameter`, naming it.
 */
export function acceptSetting(into: Map<string, string>, name: string, value: string): void {
  const key = settingName(name)
  if (key === 'client_encoding') {
    if (!isUtf8(value)) throw new SluiceError('sql.setting', `client_encoding ${value}`)
  } else if (key === 'standard_conforming_strings') {
    if (!isTrue(value)) throw new SluiceError('sql.setting', `standard_conforming_strings ${value}`)
  } else if (ALLOWED.has(key)) {
    // The last one wins, as on the server; a fresh insertion keeps the order of the winners.
    into.delete(key)
    into.set(key, value)
  } else throw new SluiceError('protocol.parameter', name)
}

/**
 * The server compares encoding names by their letters and digits alone (pg_char_to_encoding). SQL_ASCII is what psql asks for in the C locale
 * and means "bytes as they are": it is given UTF8, which ParameterStatus then tells it.
 */
function isUtf8(value: string): boolean {
  return /^(utf8|unicode|sqlascii)$/i.test(value.replace(/[^A-Za-z0-9]/g, ''))
}

/** What the server's parse_bool reads as true: `1`, and any unambiguous beginning of `on`, `true`, `yes`, in any case. */
export function isTrue(value: string): boolean {
  return /^(on|1|t|tr|tru|true|y|ye|yes)$/i.test(value)
}

/** Splits `options` into words as pg_split_opts does: white space separates, a backslash takes the next byte as it is. */
export function splitOptions(options: string): string[] {
  const words: string[] = []
  let word: string | undefined
  for (let i = 0; i < options.length; i++) {
    const char = options[i]!
    if (/[ \t\n\v\f\r]/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (char === '\\') word = (word ?? '') + (options[++i] ?? '')
    else word = (word ?? '') + char
  }
  if (word !== undefined) words.push(word)
  return words
}

/**
 * The settings in `options`, in order: `-c name=value`, `-cname=value` and `--name=value`; `-` in a name stands for `_`. Every other switch of
 * the server (system table changes, debugging, planner letters) throws SluiceError `protocol.parameter`.
 */
export function readOptions(options: string): [name: string, value: string][] {
  const words = splitOptions(options)
  const settings: [string, string][] = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    let assignment: string | undefined
    if (word === '-c') assignment = words[++i]
    else if (word.startsWith('-c') || (word.startsWith('--') && word !== '--')) assignment = word.slice(2)
    const equals = assignment?.indexOf('=') ?? -1
    if (assignment === undefined || equals <= 0) throw new SluiceError('protocol.parameter', `options: ${word}`)
    settings.push([assignment.slice(0, equals).replaceAll('-', '_'), assignment.slice(equals + 1)])
  }
  return settings
}
