import { type EffectSet, effects } from '../model/effects.ts'
import { SAFE_FUNCTIONS } from './known-functions.ts'
import type { SessionMirror } from './mirror.ts'
import type { Snapshot } from './snapshot.ts'

/** What calling a function does. */
export interface FunctionVerdict {
  /** On the known-safe list and not shadowed: no effects, and its result carries what its arguments carry. */
  readonly safe: boolean
  readonly effects: EffectSet
  /** The name a rule sees: qualified where it was, or where it is the system's. */
  readonly name: string
  /** Its result may hold anything the database holds. */
  readonly opaque: boolean
  /** Its arguments leave the query (a notification, a setting, a large object, a sequence, a lock): a carrier (ATTACKS B23 to B27). */
  readonly carries: boolean
}

const EXECUTE = effects('execute')
const OPAQUE = effects('execute', 'read', 'unknown')

/** Functions of pg_catalog and well-known extensions that do more than execute, or something milder than unknown code. */
const SPECIAL: readonly (readonly [EffectSet, string])[] = [
  // Runs SQL text: nothing of what it does is in the statement.
  [
    effects('execute', 'unknown'),
    `query_to_xml query_to_xml_and_xmlschema query_to_xmlschema cursor_to_xml cursor_to_xmlschema table_to_xml table_to_xml_and_xmlschema
     table_to_xmlschema schema_to_xml schema_to_xml_and_xmlschema schema_to_xmlschema database_to_xml database_to_xml_and_xmlschema
     database_to_xmlschema ts_stat ts_rewrite crosstab crosstab2 crosstab3 crosstab4 crosstabn connectby xpath_table xslt_process`,
  ],
  // A second connection, outside the gateway.
  [
    effects('execute', 'connect', 'unknown'),
    `dblink dblink_exec dblink_connect dblink_connect_u dblink_open dblink_fetch dblink_close dblink_send_query dblink_get_result
     dblink_disconnect dblink_cancel_query dblink_build_sql_insert dblink_build_sql_update dblink_build_sql_delete postgres_fdw_get_connections
     http http_get http_post http_put http_delete http_head http_patch`,
  ],
  [
    effects('execute', 'connect', 'read', 'export'),
    `pg_logical_slot_get_changes pg_logical_slot_get_binary_changes pg_logical_slot_peek_changes pg_logical_slot_peek_binary_changes`,
  ],
  [
    effects('execute', 'connect', 'define'),
    `pg_create_physical_replication_slot pg_create_logical_replication_slot pg_drop_replication_slot pg_copy_physical_replication_slot
     pg_copy_logical_replication_slot pg_replication_slot_advance pg_logical_emit_message pg_replication_origin_create
     pg_replication_origin_drop pg_replication_origin_session_setup pg_replication_origin_advance pg_sync_replication_slots`,
  ],
  // Files of the server.
  [
    effects('execute', 'read', 'export'),
    `pg_read_file pg_read_file_old pg_read_binary_file pg_stat_file pg_ls_dir pg_ls_logdir pg_ls_waldir pg_ls_tmpdir pg_ls_archive_statusdir
     pg_ls_logicalsnapdir pg_ls_logicalmapdir pg_ls_replslotdir pg_ls_summariesdir pg_current_logfile pg_hba_file_rules pg_show_all_file_settings
     pg_file_read pg_logdir_ls`,
  ],
  [
    effects('execute', 'write', 'import'),
    'lo_import pg_import_system_collations pg_file_write pg_file_sync pg_file_rename',
  ],
  [effects('execute', 'delete'), 'lo_unlink pg_file_unlink'],
  [effects('execute', 'read', 'export'), 'lo_export'],
  [effects('execute', 'read'), 'lo_get lo_open loread lo_lseek lo_lseek64 lo_tell lo_tell64 lo_close'],
  [effects('execute', 'write'), 'lo_creat lo_create lo_from_bytea lo_put lowrite lo_truncate lo_truncate64'],
  // Sequences.
  [effects('write'), 'nextval setval'],
  // Other sessions and the server itself.
  [
    effects('execute', 'grant'),
    `pg_terminate_backend pg_cancel_backend pg_reload_conf pg_rotate_logfile pg_rotate_logfile_old pg_promote pg_wal_replay_pause
     pg_wal_replay_resume pg_switch_wal pg_create_restore_point pg_backup_start pg_backup_stop pg_start_backup pg_stop_backup
     pg_log_backend_memory_contexts pg_stat_reset pg_stat_reset_shared pg_stat_reset_single_table_counters
     pg_stat_reset_single_function_counters pg_stat_reset_slru pg_stat_reset_replication_slot pg_stat_reset_subscription_stats
     pg_stat_reset_backend_stats pg_restore_relation_stats pg_restore_attribute_stats pg_clear_relation_stats pg_clear_attribute_stats`,
  ],
  [effects('write'), 'pg_notify'],
  [effects('session'), 'set_config setseed pg_stat_clear_snapshot pg_stat_force_next_flush'],
]

const SPECIAL_EFFECTS: ReadonlyMap<string, EffectSet> = new Map(
  SPECIAL.flatMap(([set, list]) => list.split(/\s+/).map((name) => [name, set] as const)),
)

const CARRIERS: ReadonlySet<string> = new Set(
  `pg_notify set_config setval setseed lo_from_bytea lo_put lowrite lo_create lo_creat lo_export lo_import pg_advisory_lock pg_advisory_lock_shared
   pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared pg_try_advisory_xact_lock
   pg_try_advisory_xact_lock_shared pg_logical_emit_message pg_create_restore_point pg_file_write`.split(/\s+/),
)

/** Where function, operator and type names are looked up. */
export interface FunctionNames {
  readonly snapshot: Snapshot
  readonly mirror: SessionMirror | undefined
}

/** What calling the function of that (qualified) name does. */
export function judgeFunction(path: readonly string[], names: FunctionNames): FunctionVerdict {
  const name = path[path.length - 1] ?? ''
  const schema = path.length > 1 ? path[path.length - 2]! : undefined
  const shadowed = schema === undefined && isUsers(name, 'function', names)
  const system = !shadowed && (schema === undefined || schema === 'pg_catalog')
  // The driver's own metadata queries call these: helpers of the standard's views, immutable.
  if (schema === 'information_schema' && name.startsWith('_pg_')) return safe(path.join('.'))
  if (system && SAFE_FUNCTIONS.has(name)) return safe(`pg_catalog.${name}`)
  const special = shadowed ? undefined : SPECIAL_EFFECTS.get(name)
  const shown =
    schema !== undefined ? `${schema}.${name}` : system && special !== undefined ? `pg_catalog.${name}` : name
  const done = shadowed ? EXECUTE | (SPECIAL_EFFECTS.get(name) ?? 0) : (special ?? EXECUTE)
  return { safe: false, effects: done, name: shown, opaque: (done & OPAQUE) !== 0, carries: CARRIERS.has(name) }
}

/** True for a name that stands for a function with effects of its own, or one the users defined: it must not hide as an attribute (`(x).f`). */
export function isNotableFunction(name: string, names: FunctionNames): boolean {
  return SPECIAL_EFFECTS.has(name) || CARRIERS.has(name) || isUsers(name, 'function', names)
}

/** True when users defined something of that bare name, in the catalogue or in this session. */
export function isUsers(name: string, kind: 'function' | 'operator' | 'type', names: FunctionNames): boolean {
  if (names.mirror?.isDefinedHere(name)) return true
  const catalogue = names.snapshot.catalogue
  if (!catalogue) return false
  if (kind === 'function') return catalogue.userFunctions.has(name)
  return kind === 'operator' ? catalogue.userOperators.has(name) : catalogue.userTypes.has(name)
}

function safe(name: string): FunctionVerdict {
  return { safe: true, effects: 0, name, opaque: false, carries: false }
}
