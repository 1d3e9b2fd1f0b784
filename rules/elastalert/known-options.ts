// What becomes of each option of ElastAlert: read elsewhere, without a meaning here, or told. One that ElastAlert does not know either is told too.
import type { Options } from './options.ts';

/** Read by other files of this folder. */
const READ: ReadonlySet<string> = new Set([
  ...[
    'name',
    'type',
    'index',
    'alert',
    'filter',
    'import',
    'description',
    'owner',
    'priority',
    'category',
    'is_enabled',
    'query_key',
    'compare_key',
  ],
  ...[
    'blacklist',
    'whitelist',
    'ignore_null',
    'timeframe',
    'num_events',
    'spike_height',
    'spike_type',
    'threshold_ref',
    'threshold_cur',
    'threshold',
  ],
  ...[
    'alert_on_new_data',
    'field_value',
    'fields',
    'terms_window_size',
    'alert_on_missing_field',
    'cardinality_field',
    'max_cardinality',
    'min_cardinality',
  ],
  ...[
    'metric_agg_key',
    'metric_agg_type',
    'metric_agg_script',
    'percentile_range',
    'max_threshold',
    'min_threshold',
    'min_doc_count',
    'bucket_interval',
  ],
  ...[
    'match_bucket_filter',
    'max_percentage',
    'min_percentage',
    'min_denominator',
    'use_run_every_query_size',
    'run_every',
    'buffer_time',
    'query_delay',
  ],
  ...[
    'realert',
    'exponential_realert',
    'realert_key',
    'aggregation',
    'aggregation_key',
    'summary_table_fields',
    'include',
    'top_count_keys',
  ],
  ...[
    'alert_subject',
    'alert_subject_args',
    'alert_text',
    'alert_text_args',
    'alert_text_kw',
    'alert_text_type',
    'limit_execution',
  ],
  ...['limit_execution_coverage', 'use_count_query', 'use_terms_query', 'email_from_field', 'field'],
]);

/** How ElastAlert asks its cluster, and what it does with the answers: nothing of it changes what is found here. */
const WITHOUT_MEANING: ReadonlySet<string> = new Set([
  ...[
    'use_ssl',
    'verify_certs',
    'ca_certs',
    'client_cert',
    'client_key',
    'ssl_show_warn',
    'aws_region',
    'profile',
    'use_strftime_index',
    'search_extra_index',
  ],
  ...[
    'max_query_size',
    'max_scrolling',
    'max_threads',
    'misfire_grace_time',
    'scroll_keepalive',
    'terms_size',
    'doc_type',
    'raw_count_keys',
    'top_count_number',
  ],
  ...[
    'use_keyword_postfix',
    'window_step_size',
    'scan_entire_timeframe',
    'allow_buffer_time_overlap',
    'sync_bucket_interval',
    'replace_dots_in_field_names',
  ],
  ...[
    'aggregate_by_match_time',
    'aggregation_alert_time_compared_with_timestamp_field',
    '_source_enabled',
    'include_fields',
    'use_local_time',
  ],
  ...[
    'custom_pretty_ts_format',
    'alert_missing_value',
    'alert_subject_max_len',
    'metric_format_string',
    'percentage_format_string',
    'summary_table_type',
  ],
  ...[
    'summary_table_max_rows',
    'summary_prefix',
    'summary_suffix',
    'jinja_root_name',
    'timestamp_type',
    'timestamp_format',
    'query_timezone',
    'forget_keys',
  ],
  ...[
    'notify_alert',
    'notify_all_errors',
    'notify_email',
    'include_rule_params_in_matches',
    'include_rule_params_in_first_match_only',
    'filter_by_list',
  ],
  ...[
    'alerta',
    'assets_dir',
    'cc',
    'bcc',
    'from_addr',
    'command',
    'pipe_match_json',
    'pipe_alert_text',
    'fail_on_non_zero_exit',
    'email',
    'attach_related',
  ],
]);

/** Settings of an alerter: of those that have a channel, read by alerters.ts. */
const ALERTER =
  /^(?:es|elasticsearch|slack|email|smtp|http_post2?|jira|pagerduty|opsgenie|telegram|ms_teams|ms_power_automate|mattermost|discord|sns|sqs|ses|stomp|twilio|victorops|googlechat|gitter|servicenow|alerta|alertmanager|pagertree|line|linenotify|hive|zbx|zabbix|dingtalk|lark|workwechat|chatwork|datadog|rocket_chat|gelf|iris|indexer|tencent_sms|exotel|yzj|flashduty|smseagle|webex|matrixhookshot|kibana|opensearch)_/;

const REFUSED: Readonly<Record<string, readonly [message: string, remedy: string]>> = {
  match_enhancements: [
    'an enhancement is a program in Python that may change or drop what was found',
    'Write what it drops as `except` in our rule, what it looks up as a list; then leave this out.',
  ],
  run_enhancements_first: ['enhancements are programs in Python', 'Leave it out with `match_enhancements`.'],
  timestamp_to_datetime_format_expr: [
    'an expression in Python is not run',
    'Send events whose `@timestamp` is a time.',
  ],
};

const TOLD: Readonly<Record<string, readonly [message: string, remedy: string]>> = {
  jinja_template_path: [
    'a text in a template is not taken over; the message shows the fields of `alert.include`',
    'Name the fields in `include`.',
  ],
  generate_kibana_discover_url: ['messages hold no link to Kibana', 'Write an address into `alert.runbook`.'],
  generate_opensearch_discover_url: ['messages hold no link to OpenSearch', 'Write an address into `alert.runbook`.'],
  attach_related: [
    'an alert names the events that it rests on, up to 100; they are not sent along',
    '`vedette alerts show ID` shows them.',
  ],
  start_date: [
    'a rule begins when it is loaded, with its windows filled from the store',
    '`vedette backtest RULE --since` runs it over the past.',
  ],
  end_date: ['a rule has no last day', 'Write `status: off` when it is over.'],
};

/** Tells what becomes of the rule's options; values that ask for nothing are passed over. */
export function tellOptions(options: Options): void {
  const { notes, own } = options;
  const variable = /^[^#\n]*?(\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\}))/m.exec(own.source.text);
  if (variable !== null) {
    const at = variable.index + variable[0].length - (variable[1] ?? '').length;
    notes.remark(
      { source: own.source, at },
      'variables of the environment are not filled in',
      'Write the value itself.',
    );
  }
  for (const key of options.keys) {
    const option = options.option(key);
    if (option === undefined || option.origin === 'config') continue;
    const isOff = option.node.kind === 'scalar' && (option.node.value === false || option.node.value === '');
    const isEmpty = option.node.kind === 'list' && option.node.items.length === 0;
    if (isOff || isEmpty) continue;
    const refused = Object.hasOwn(REFUSED, key) ? REFUSED[key] : undefined;
    const told = Object.hasOwn(TOLD, key) ? TOLD[key] : undefined;
    if (refused !== undefined) notes.problem(option, ...refused);
    else if (told !== undefined) notes.remark(option, ...told);
    else if (!READ.has(key) && !WITHOUT_MEANING.has(key) && key !== 'timestamp_field' && !ALERTER.test(key)) {
      notes.remark(
        option,
        `\`${key}\` is no option of ElastAlert’s`,
        'Nothing here reads it; look for a slip of the pen.',
      );
    }
  }
  const stamp = options.text('timestamp_field') ?? '@timestamp';
  if (stamp !== '@timestamp' && stamp !== 'event.created') {
    notes.remark(
      options.placeOf('timestamp_field'),
      `windows go by \`event.created\`, not by \`${stamp}\``,
      'Send that time as `event.created` or `@timestamp`.',
    );
  }
}
