// The functions that people's SQL may call, each looked at for three things: what it can reach (files, settings, the catalogue:
// nothing here does), how much more text it can give than it takes, and whether it can be broken off. What is not here is refused,
// so a new version of DuckDB adds nothing by itself.

/** How long a result can be, measured by its arguments. */
type Growth =
  /** Not longer than the longest argument, or of a fixed size. */
  | { readonly kind: 'same' }
  /** As long as all arguments together, `times` that. */
  | { readonly kind: 'sum'; readonly times: number }
  /** `times` the longest argument. */
  | { readonly kind: 'times'; readonly times: number }
  /** What the second gives for each member of the first. */
  | { readonly kind: 'product' }
  /** The argument at `count` is a constant number, at most {@link COUNT_MAX}: so many times the first. */
  | { readonly kind: 'counted'; readonly count: number }
  /** The argument at `text` is a constant that may stand for each character of the first. */
  | { readonly kind: 'replaced'; readonly text: number }
  /** Gathers many rows into one value. */
  | { readonly kind: 'gathered' };

export interface SqlFunction {
  readonly growth: Growth;
  /** The argument that must be written out, where it is given: what it costs depends on what it says. */
  readonly constant?: { readonly at: number; readonly as: 'regex' | 'like' | 'format' | 'path' | 'count' | 'text' };
  /** Its second argument is a lambda. */
  readonly takesLambda?: boolean;
}

/** The greatest number that `repeat`, `lpad` and `rpad` take. */
export const COUNT_MAX = 200;

const FUNCTIONS = new Map<string, SqlFunction>();

function allow(growth: Growth, names: string, more: Omit<SqlFunction, 'growth'> = {}): void {
  for (const name of names.trim().split(/\s+/)) FUNCTIONS.set(name.toLowerCase(), { growth, ...more });
}

const SAME: Growth = { kind: 'same' };

// Operators, numbers.
allow(SAME, '+ - * / // % ** ^ & | << >> ~ ! @ ^@ && @> <@');
allow(
  SAME,
  `abs acos add asin atan atan2 bit_count cbrt ceil ceiling cos cot degrees divide even exp fdiv floor fmod gcd
   greatest_common_divisor isfinite isinf isnan lcm least_common_multiple ln log log10 log2 mod multiply pi pow power radians
   random round round_even sign signbit sin sqrt subtract tan trunc xor`,
);
// Any type.
allow(SAME, 'coalesce constant_or_null greatest least ifnull if nullif hash typeof isnull');
// Text.
allow(
  SAME,
  `ascii bit_length char_length character_length chr contains ends_with hamming instr lcase left left_grapheme len length
   length_grapheme lower ltrim mismatches octet_length ord position prefix reverse right right_grapheme rtrim split_part
   starts_with strip_accents strlen strpos substr substring substring_grapheme suffix trim ucase unicode upper
   parse_dirname parse_dirpath parse_filename format_bytes formatReadableSize formatReadableDecimalSize`,
);
allow({ kind: 'sum', times: 1 }, '|| concat');
allow({ kind: 'sum', times: 1 }, 'concat_ws', { constant: { at: 0, as: 'text' } });
allow({ kind: 'times', times: 4 }, 'translate');
allow({ kind: 'times', times: 2 }, 'hex to_hex base64 to_base64 md5 sha1 sha256 url_decode');
allow({ kind: 'times', times: 3 }, 'url_encode');
allow({ kind: 'times', times: 8 }, 'bin to_binary');
allow({ kind: 'times', times: 16 }, 'split str_split string_split string_to_array');
allow({ kind: 'counted', count: 1 }, 'repeat', { constant: { at: 1, as: 'count' } });
allow(SAME, 'lpad rpad', { constant: { at: 1, as: 'count' } });
allow({ kind: 'replaced', text: 2 }, 'replace');
allow(SAME, 'regexp_matches regexp_full_match regexp_extract', { constant: { at: 1, as: 'regex' } });
allow({ kind: 'times', times: 8 }, 'regexp_extract_all regexp_split_to_array string_split_regex str_split_regex', {
  constant: { at: 1, as: 'regex' },
});
allow({ kind: 'replaced', text: 2 }, 'regexp_replace', { constant: { at: 1, as: 'regex' } });
allow(SAME, '~~ !~~ ~~* !~~* like_escape not_like_escape ilike_escape not_ilike_escape', {
  constant: { at: 1, as: 'like' },
});
// Time.
allow(
  SAME,
  `age century current_date current_localtime current_localtimestamp current_timestamp date_add date_diff date_part date_sub
   date_trunc datediff datepart datesub datetrunc day dayname dayofmonth dayofweek dayofyear decade epoch epoch_ms epoch_ns
   epoch_us era get_current_timestamp hour isodow isoyear julian last_day make_date make_time make_timestamp make_timestamp_ms
   make_timestamp_ns microsecond millennium millisecond minute month monthname now quarter second time_bucket timezone
   timezone_hour timezone_minute to_centuries to_days to_decades to_hours to_microseconds to_millennia to_milliseconds
   to_minutes to_months to_quarters to_seconds to_timestamp to_weeks to_years today transaction_timestamp week weekday
   weekofyear year yearweek ago strptime try_strptime`,
);
allow({ kind: 'times', times: 2 }, 'strftime', { constant: { at: 1, as: 'format' } });
// Lists, structs, maps.
allow(
  SAME,
  `array_contains array_distinct array_extract array_has array_has_all array_has_any array_indexof
   array_intersect array_length array_position array_reverse array_reverse_sort array_slice array_sort array_unique cardinality
   element_at flatten list_any_value list_avg list_contains list_count list_distinct list_element list_extract list_first list_has list_has_all list_has_any list_indexof list_intersect list_last list_max list_median list_min
   list_position list_reverse list_reverse_sort list_slice list_sort list_sum list_unique map_contains map_entries map_extract
   map_extract_value map_keys map_values struct_extract struct_extract_at unnest`,
);
allow({ kind: 'product' }, 'list_transform list_apply array_transform array_apply', { takesLambda: true });
allow(SAME, 'list_filter array_filter', { takesLambda: true });
allow({ kind: 'sum', times: 2 }, 'array_to_string', { constant: { at: 1, as: 'text' } });
allow(
  { kind: 'sum', times: 1 },
  `array_append array_cat array_concat array_prepend list_append list_cat list_concat list_prepend list_value list_pack
   list_zip map map_concat map_from_entries row struct_concat struct_insert struct_pack union_value`,
);
// JSON.
allow(
  SAME,
  `-> ->> json_array_length json_exists json_extract json_extract_path json_extract_path_text json_extract_string json_keys
   json_type json_value`,
  { constant: { at: 1, as: 'path' } },
);
allow(SAME, 'json_contains json_valid');
allow({ kind: 'sum', times: 2 }, 'json_array json_object json_quote to_json array_to_json row_to_json');

// Over many rows.
allow(
  SAME,
  `any_value approx_count_distinct approx_quantile arbitrary arg_max arg_min argmax argmin avg bit_and bit_or bit_xor bool_and
   bool_or corr count count_if count_star countif covar_pop covar_samp entropy favg first fsum kurtosis last mad max max_by mean
   median min min_by mode product quantile quantile_cont quantile_disc regr_r2 regr_slope skewness stddev stddev_pop
   stddev_samp sum var_pop var_samp variance`,
);
allow(
  SAME,
  'cume_dist dense_rank fill first_value lag last_value lead nth_value ntile percent_rank rank rank_dense row_number',
);
allow({ kind: 'gathered' }, 'array_agg group_concat histogram list listagg string_agg json_group_array approx_top_k');

/** What may stand in FROM as a function. */
const TABLE_FUNCTIONS: ReadonlySet<string> = new Set(['range', 'generate_series', 'unnest', 'json_each']);

export function functionNamed(name: string): SqlFunction | undefined {
  return FUNCTIONS.get(name.toLowerCase());
}

export function isTableFunction(name: string): boolean {
  return TABLE_FUNCTIONS.has(name.toLowerCase());
}

export const FUNCTION_NAMES: readonly string[] = [...FUNCTIONS.keys()];
