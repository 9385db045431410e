/**
 * Functions of pg_catalog known to be safe: they compute from their arguments, read the catalogue, or tell the time; they run no SQL text,
 * open no file or connection, change nothing and reach no other session. Everything not named here executes. A name is safe only with all
 * its overloads (`ts_rewrite` has one that runs SQL text, so it is missing). Added after reading what each does, in versions 13 to 18.
 */
const AGGREGATES = `any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp every json_agg json_agg_strict
  json_object_agg json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict jsonb_agg jsonb_agg_strict jsonb_object_agg
  jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict max min mode percentile_cont percentile_disc range_agg
  range_intersect_agg regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop
  stddev_samp string_agg sum var_pop var_samp variance xmlagg`
const WINDOWS = `cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number`
const TEXTS = `ascii bit_count bit_length bpchar btrim casefold char char_length character_length chr concat concat_ws convert convert_from convert_to
  crc32 crc32c decode encode format get_bit get_byte initcap is_normalized left length like like_escape lower lpad ltrim md5 name normalize
  notlike octet_length overlay parse_ident position quote_ident quote_literal quote_nullable regexp_count regexp_instr regexp_like
  regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr repeat replace reverse right rpad
  rtrim set_bit set_byte sha224 sha256 sha384 sha512 similar_escape similar_to_escape split_part starts_with string_to_array
  string_to_table strpos substr substring text textlen to_ascii to_bin to_hex to_oct translate unicode_assigned unistr upper varchar`
const NUMBERS = `abs acos acosd acosh asin asind asinh atan atan2 atan2d atand atanh cbrt ceil ceiling cos cosd cosh cot cotd degrees div erf erfc
  exp factorial float4 float8 floor gamma gcd int2 int4 int8 lcm lgamma ln log log10 min_scale mod money numeric numeric_inc pi pow power
  radians random random_normal round scale sign sin sind sinh sqrt tan tand tanh to_char to_number trim_scale trunc width_bucket`
const DATES = `age clock_timestamp date date_add date_bin date_part date_subtract date_trunc extract interval isfinite justify_days justify_hours
  justify_interval make_date make_interval make_time make_timestamp make_timestamptz now overlaps statement_timestamp time timeofday
  timestamp timestamptz timetz timezone to_date to_timestamp transaction_timestamp`
const JSONS = `array_to_json json_array_elements json_array_elements_text json_array_length json_build_array json_build_object json_each
  json_each_text json_extract_path json_extract_path_text json_object json_object_keys json_populate_record json_populate_recordset
  json_strip_nulls json_to_record json_to_recordset json_typeof jsonb_array_elements jsonb_array_elements_text jsonb_array_length
  jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object
  jsonb_object_keys jsonb_path_exists jsonb_path_exists_tz jsonb_path_match jsonb_path_match_tz jsonb_path_query jsonb_path_query_array
  jsonb_path_query_array_tz jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz jsonb_populate_record
  jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof
  row_to_json to_json to_jsonb`
const ARRAYS_AND_RANGES = `array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position array_positions array_prepend
  array_remove array_replace array_reverse array_sample array_shuffle array_sort array_to_string array_upper cardinality datemultirange
  daterange enum_first enum_last enum_range generate_series generate_subscripts int4multirange int4range int8multirange int8range isempty
  lower_inc lower_inf multirange num_nonnulls num_nulls nummultirange numrange range_merge trim_array tsmultirange tsrange tstzmultirange
  tstzrange unnest upper_inc upper_inf`
const OTHER_TYPES = `abbrev area bit bool bound_box box broadcast center cidr circle diagonal diameter family gen_random_uuid height host hostmask
  inet_merge inet_same_family isclosed ishorizontal isopen isparallel isperp isvertical line lseg macaddr macaddr8 macaddr8_set7bit masklen
  netmask network npoints oid path pclose point polygon popen radius regclass set_masklen slope uuid_extract_timestamp
  uuid_extract_version uuidv4 uuidv7 varbit width xid xid8 xml xml_is_well_formed xml_is_well_formed_content xml_is_well_formed_document
  xmlcomment xmlconcat xmlexists xmltext xmlvalidate xpath xpath_exists`
const TEXT_SEARCH = `array_to_tsvector get_current_ts_config json_to_tsvector jsonb_to_tsvector numnode phraseto_tsquery plainto_tsquery querytree
  setweight strip to_tsquery to_tsvector ts_debug ts_delete ts_filter ts_headline ts_lexize ts_parse ts_rank ts_rank_cd ts_token_type
  tsquery_phrase tsvector_to_array websearch_to_tsquery`
const SESSION = `current_catalog current_database current_query current_role current_schema current_schemas current_setting current_user currval
  getdatabaseencoding inet_client_addr inet_client_port inet_server_addr inet_server_port lastval pg_backend_pid pg_client_encoding
  pg_conf_load_time pg_current_xact_id_if_assigned pg_is_in_recovery pg_is_other_temp_schema pg_jit_available pg_listening_channels
  pg_my_temp_schema pg_postmaster_start_time pg_trigger_depth session_user system_user txid_current_if_assigned user version
  icu_unicode_version unicode_version`
const CATALOGUE = `aclcontains acldefault aclexplode col_description format_type has_any_column_privilege has_column_privilege
  has_database_privilege has_foreign_data_wrapper_privilege has_function_privilege has_language_privilege has_largeobject_privilege
  has_parameter_privilege has_schema_privilege has_sequence_privilege has_server_privilege has_table_privilege has_tablespace_privilege
  has_type_privilege makeaclitem mxid_age obj_description oidvectortypes pg_available_extension_versions pg_available_extensions
  pg_basetype pg_blocking_pids pg_char_to_encoding pg_collation_actual_version pg_collation_for pg_collation_is_visible
  pg_column_compression pg_column_is_updatable pg_column_size pg_conversion_is_visible pg_current_snapshot pg_current_wal_lsn
  pg_database_collation_actual_version pg_database_size pg_describe_object pg_encoding_max_length pg_encoding_to_char
  pg_extension_update_paths pg_filenode_relation pg_function_is_visible pg_get_acl pg_get_catalog_foreign_keys pg_get_constraintdef
  pg_get_expr pg_get_function_arg_default pg_get_function_arguments pg_get_function_identity_arguments pg_get_function_result
  pg_get_function_sqlbody pg_get_functiondef pg_get_indexdef pg_get_keywords pg_get_object_address pg_get_partition_constraintdef
  pg_get_partkeydef pg_get_replica_identity_index pg_get_ruledef pg_get_serial_sequence pg_get_statisticsobjdef
  pg_get_statisticsobjdef_columns pg_get_statisticsobjdef_expressions pg_get_triggerdef pg_get_userbyid pg_get_viewdef pg_has_role
  pg_identify_object pg_identify_object_as_address pg_index_column_has_property pg_index_has_property pg_indexam_has_property
  pg_indexes_size pg_input_error_info pg_input_is_valid pg_last_committed_xact pg_last_wal_receive_lsn pg_last_wal_replay_lsn
  pg_last_xact_replay_timestamp pg_mcv_list_items pg_opclass_is_visible pg_operator_is_visible pg_opfamily_is_visible
  pg_options_to_table pg_partition_ancestors pg_partition_root pg_partition_tree pg_relation_filenode pg_relation_is_publishable
  pg_relation_is_updatable pg_relation_size pg_safe_snapshot_blocking_pids pg_sequence_last_value pg_sequence_parameters
  pg_settings_get_flags pg_size_bytes pg_size_pretty pg_snapshot_xip pg_snapshot_xmax pg_snapshot_xmin pg_statistics_obj_is_visible
  pg_table_is_visible pg_table_size pg_tablespace_databases pg_tablespace_location pg_tablespace_size pg_timezone_abbrevs
  pg_timezone_names pg_total_relation_size pg_ts_config_is_visible pg_ts_dict_is_visible pg_ts_parser_is_visible
  pg_ts_template_is_visible pg_type_is_visible pg_typeof pg_visible_in_snapshot pg_wal_lsn_diff pg_walfile_name pg_xact_commit_timestamp
  pg_xact_status row_security_active shobj_description to_regclass to_regcollation to_regnamespace to_regoper to_regoperator to_regproc
  to_regprocedure to_regrole to_regtype to_regtypemod txid_current_snapshot txid_snapshot_xip txid_snapshot_xmax txid_snapshot_xmin
  txid_status txid_visible_in_snapshot`

const words = (text: string): string[] => text.split(/\s+/)

export const SAFE_FUNCTIONS: ReadonlySet<string> = new Set(
  [
    AGGREGATES,
    WINDOWS,
    TEXTS,
    NUMBERS,
    DATES,
    JSONS,
    ARRAYS_AND_RANGES,
    OTHER_TYPES,
    TEXT_SEARCH,
    SESSION,
    CATALOGUE,
  ].flatMap(words),
)

/** Safe functions that give several rows: how many depends on their arguments. */
export const SET_RETURNING: ReadonlySet<string> = new Set(
  words(`aclexplode generate_series generate_subscripts json_array_elements json_array_elements_text json_each json_each_text
    json_object_keys json_populate_recordset json_to_recordset jsonb_array_elements jsonb_array_elements_text jsonb_each jsonb_each_text
    jsonb_object_keys jsonb_path_query jsonb_path_query_tz jsonb_populate_recordset jsonb_to_recordset pg_mcv_list_items
    pg_options_to_table regexp_matches regexp_split_to_table string_to_table ts_debug ts_parse ts_token_type unnest`),
)

/** Output columns of safe functions that return rows in FROM, where they are not one column of the function's name. */
export const ROW_FUNCTIONS: ReadonlyMap<string, readonly string[] | undefined> = new Map([
  ['json_array_elements', ['value']],
  ['json_array_elements_text', ['value']],
  ['jsonb_array_elements', ['value']],
  ['jsonb_array_elements_text', ['value']],
  ['json_each', ['key', 'value']],
  ['json_each_text', ['key', 'value']],
  ['jsonb_each', ['key', 'value']],
  ['jsonb_each_text', ['key', 'value']],
])

/** Safe functions that certainly return one column in FROM, named like the function or its alias. */
export const ONE_COLUMN: ReadonlySet<string> = new Set(
  words(`generate_series generate_subscripts regexp_split_to_table regexp_matches string_to_table json_object_keys jsonb_object_keys
    current_schemas pg_listening_channels jsonb_path_query jsonb_path_query_tz pg_tablespace_databases now current_database
    current_schema version upper lower concat format coalesce length to_json to_jsonb row_to_json json_build_object jsonb_build_object`),
)

/** Attributes of rows that safe functions return (`(aclexplode(x)).grantee`): no function of pg_catalog with effects bears one of these names. */
export const ROW_ATTRIBUTES: ReadonlySet<string> = new Set(
  words(`n x key value grantor grantee privilege_type is_grantable type schema name identity object_names object_args word catcode barelabel catdesc
    baredesc option_name option_value alias description token dictionaries dictionary lexemes tokid abbrev utc_offset is_dst relid
    parentrelid isleaf level start_value minimum_value maximum_value increment cycle_option cache_size data_type index values nulls
    frequency base_frequency message detail hint sql_error_code file_name file_offset`),
)
