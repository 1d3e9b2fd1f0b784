// Queries and the conditions that the embedded store's dialect makes of them. dialect.test.ts runs each on documents.

interface DialectCase {
  readonly name: string;
  readonly text: string;
  readonly superset: string;
  readonly subset: string;
  readonly values: readonly (string | number)[];
}

export const DIALECT_CASES: readonly DialectCase[] = [
  {
    name: 'a value, by its folded text',
    text: 'process.name:bash',
    superset:
      '(coalesce(lower("process.name") = $1::VARCHAR, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    subset:
      '(coalesce(lower("process.name") = $1::VARCHAR, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    values: ['bash'],
  },
  {
    name: 'letters beyond ASCII, small sigma and final',
    text: 'process.name:ΣΑΣ',
    superset:
      '(coalesce(replace(lower("process.name"), \'ς\', \'σ\') = $1::VARCHAR, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    subset:
      '(coalesce(replace(lower("process.name"), \'ς\', \'σ\') = $1::VARCHAR, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    values: ['σασ'],
  },
  {
    name: 'a letter that DuckDB does not fold',
    text: 'process.name:"ƛ"',
    superset:
      '(coalesce("process.name" IS NOT NULL, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    subset: 'FALSE',
    values: [],
  },
  {
    name: 'quotes and comments are data',
    text: 'process.name:"\'; DROP TABLE events; --"',
    superset:
      '(coalesce(lower("process.name") = $1::VARCHAR, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    subset:
      '(coalesce(lower("process.name") = $1::VARCHAR, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    values: ["'; drop table events; --"],
  },
  {
    name: 'a whole number',
    text: 'process.pid:100',
    superset:
      '(coalesce("process.pid" = $1::DOUBLE, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.pid,\')))',
    subset:
      '(coalesce("process.pid" = $1::DOUBLE, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.pid,\')))',
    values: [100],
  },
  {
    name: 'a number that no column holds',
    text: 'process.pid:"1.5"',
    superset: '(coalesce(FALSE, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.pid,\')))',
    subset: '(coalesce(FALSE, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.pid,\')))',
    values: [],
  },
  {
    name: 'a member of a list',
    text: 'process.args:-c',
    superset:
      '(coalesce(len(list_filter("process.args", lambda x: lower(x) = $1::VARCHAR)) > 0, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.args,\')))',
    subset:
      '(coalesce(len(list_filter("process.args", lambda x: lower(x) = $1::VARCHAR)) > 0, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.args,\')))',
    values: ['-c'],
  },
  {
    name: 'a time in any form',
    text: 'event.created:"2026-11-21T12:00:00Z"',
    superset:
      '(coalesce("_created" IS NOT NULL AND "_created" >= $1::DOUBLE AND "_created" <= $2::DOUBLE, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',event.created,\')))',
    subset:
      '(coalesce("_created" IS NOT NULL AND "_created" >= $1::DOUBLE AND "_created" <= $2::DOUBLE, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',event.created,\')))',
    values: [1795262400000, 1795262400999],
  },
  {
    name: 'an address in any form',
    text: 'source.ip:"::ffff:10.0.0.1"',
    superset:
      '((coalesce(("_address.source.ip" >= $1::VARCHAR AND "_address.source.ip" <= $2::VARCHAR AND strlen("_address.source.ip") = 8), FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',source.ip,\'))) OR ("_address.source.ip" IS NULL AND "source.ip" IS NOT NULL AND (coalesce(lower("source.ip") = $3::VARCHAR, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',source.ip,\')))))',
    subset:
      '((coalesce(("_address.source.ip" >= $1::VARCHAR AND "_address.source.ip" <= $2::VARCHAR AND strlen("_address.source.ip") = 8), FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',source.ip,\'))) OR ("_address.source.ip" IS NULL AND "source.ip" IS NOT NULL AND (coalesce(lower("source.ip") = $3::VARCHAR, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',source.ip,\')))))',
    values: ['0a000001', '0a000001', '::ffff:10.0.0.1'],
  },
  {
    name: 'a network',
    text: 'source.ip:10.0.0.0/12',
    superset:
      '((coalesce(("_address.source.ip" >= $1::VARCHAR AND "_address.source.ip" <= $2::VARCHAR AND strlen("_address.source.ip") = 8), FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',source.ip,\'))) OR ("_address.source.ip" IS NULL AND "source.ip" IS NOT NULL AND (coalesce(lower("source.ip") = $3::VARCHAR, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',source.ip,\')))))',
    subset:
      '((coalesce(("_address.source.ip" >= $1::VARCHAR AND "_address.source.ip" <= $2::VARCHAR AND strlen("_address.source.ip") = 8), FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',source.ip,\'))) OR ("_address.source.ip" IS NULL AND "source.ip" IS NOT NULL AND (coalesce(lower("source.ip") = $3::VARCHAR, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',source.ip,\')))))',
    values: ['0a000000', '0a0fffff', '10.0.0.0/12'],
  },
  {
    name: 'a network of a list',
    text: 'related.ip:10.0.0.0/8',
    superset:
      '((coalesce(len(list_filter("_address.related.ip", lambda x: (x >= $1::VARCHAR AND x <= $2::VARCHAR AND strlen(x) = 8))) > 0, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',related.ip,\'))) OR ((coalesce(len(list_filter("related.ip", lambda x: lower(x) = $3::VARCHAR)) > 0, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',related.ip,\')))))',
    subset:
      '((coalesce(len(list_filter("_address.related.ip", lambda x: (x >= $1::VARCHAR AND x <= $2::VARCHAR AND strlen(x) = 8))) > 0, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',related.ip,\'))) OR ((coalesce(len(list_filter("related.ip", lambda x: lower(x) = $3::VARCHAR)) > 0, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',related.ip,\')))))',
    values: ['0a000000', '0affffff', '10.0.0.0/8'],
  },
  {
    name: 'a network of IPv6 that holds all of IPv4',
    text: 'source.ip:"::/0"',
    superset:
      '((coalesce(("_address.source.ip" >= $1::VARCHAR AND "_address.source.ip" <= $2::VARCHAR AND strlen("_address.source.ip") = 8 OR "_address.source.ip" >= $3::VARCHAR AND "_address.source.ip" <= $4::VARCHAR AND strlen("_address.source.ip") = 32), FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',source.ip,\'))) OR ("_address.source.ip" IS NULL AND "source.ip" IS NOT NULL AND (coalesce(lower("source.ip") = $5::VARCHAR, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',source.ip,\')))))',
    subset:
      '((coalesce(("_address.source.ip" >= $1::VARCHAR AND "_address.source.ip" <= $2::VARCHAR AND strlen("_address.source.ip") = 8 OR "_address.source.ip" >= $3::VARCHAR AND "_address.source.ip" <= $4::VARCHAR AND strlen("_address.source.ip") = 32), FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',source.ip,\'))) OR ("_address.source.ip" IS NULL AND "source.ip" IS NOT NULL AND (coalesce(lower("source.ip") = $5::VARCHAR, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',source.ip,\')))))',
    values: ['00000000', 'ffffffff', '00000000000000000000000000000000', 'ffffffffffffffffffffffffffffffff', '::/0'],
  },
  {
    name: 'what is no address',
    text: 'source.ip:x',
    superset:
      '(coalesce(lower("source.ip") = $1::VARCHAR, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',source.ip,\')))',
    subset:
      '(coalesce(lower("source.ip") = $1::VARCHAR, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',source.ip,\')))',
    values: ['x'],
  },
  {
    name: 'a prefix',
    text: 'process.name:ba*',
    superset:
      '(coalesce(starts_with(lower("process.name"), $1::VARCHAR), FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    subset:
      '(coalesce(starts_with(lower("process.name"), $1::VARCHAR), FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    values: ['ba'],
  },
  {
    name: 'a suffix',
    text: 'process.name:*sh',
    superset:
      '(coalesce(ends_with(lower("process.name"), $1::VARCHAR), FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    subset:
      '(coalesce(ends_with(lower("process.name"), $1::VARCHAR), FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    values: ['sh'],
  },
  {
    name: 'a part',
    text: 'process.command_line:*curl*',
    superset:
      '(coalesce(contains(lower("process.command_line"), $1::VARCHAR), FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.command_line,\')))',
    subset:
      '(coalesce(contains(lower("process.command_line"), $1::VARCHAR), FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.command_line,\')))',
    values: ['curl'],
  },
  {
    name: 'both ends',
    text: 'process.executable:\\/usr*sh',
    superset:
      '(coalesce((starts_with(lower("process.executable"), $1::VARCHAR) AND ends_with(lower("process.executable"), $2::VARCHAR) AND strlen(lower("process.executable")) >= 6), FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.executable,\')))',
    subset:
      '(coalesce((starts_with(lower("process.executable"), $1::VARCHAR) AND ends_with(lower("process.executable"), $2::VARCHAR) AND strlen(lower("process.executable")) >= 6), FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.executable,\')))',
    values: ['/usr', 'sh'],
  },
  {
    name: 'runs and single characters',
    text: 'process.name:b?s*h?',
    superset:
      '(coalesce((contains(lower("process.name"), $1::VARCHAR) AND contains(lower("process.name"), $2::VARCHAR) AND contains(lower("process.name"), $3::VARCHAR) AND regexp_full_match(lower("process.name"), $4::VARCHAR, \'s\')), FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    subset:
      '(coalesce((contains(lower("process.name"), $1::VARCHAR) AND contains(lower("process.name"), $2::VARCHAR) AND contains(lower("process.name"), $3::VARCHAR) AND regexp_full_match(lower("process.name"), $4::VARCHAR, \'s\')), FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    values: ['b', 's', 'h', 'b.s.*h.'],
  },
  {
    name: 'a list by pattern',
    text: 'process.args:*c',
    superset:
      '(coalesce(len(list_filter("process.args", lambda x: ends_with(lower(x), $1::VARCHAR))) > 0, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.args,\')))',
    subset:
      '(coalesce(len(list_filter("process.args", lambda x: ends_with(lower(x), $1::VARCHAR))) > 0, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.args,\')))',
    values: ['c'],
  },
  {
    name: 'a number by pattern',
    text: 'process.pid:1*',
    superset:
      '(coalesce(starts_with(lower("process.pid"::VARCHAR), $1::VARCHAR), FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.pid,\')))',
    subset:
      '(coalesce(starts_with(lower("process.pid"::VARCHAR), $1::VARCHAR), FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.pid,\')))',
    values: ['1'],
  },
  {
    name: 'a regular expression',
    text: 'process.name:/(ba|da)?sh/',
    superset:
      '(coalesce((NOT strlen("process.name") = length("process.name") OR regexp_full_match("process.name", $1::VARCHAR, \'is\')), FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    subset:
      '(coalesce((strlen("process.name") = length("process.name") AND regexp_full_match("process.name", $1::VARCHAR, \'is\')), FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    values: ['(ba|da)?sh'],
  },
  {
    name: 'a regular expression that only the port reads',
    text: 'process.name:/\\pL+/',
    superset:
      '(coalesce("process.name" IS NOT NULL, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    subset: 'FALSE',
    values: [],
  },
  {
    name: 'numbers in a range',
    text: 'process.pid:[100 TO 200}',
    superset:
      '(coalesce("process.pid" IS NOT NULL AND "process.pid" >= $1::DOUBLE AND "process.pid" < $2::DOUBLE, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.pid,\')))',
    subset:
      '(coalesce("process.pid" IS NOT NULL AND "process.pid" >= $1::DOUBLE AND "process.pid" < $2::DOUBLE, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.pid,\')))',
    values: [100, 200],
  },
  {
    name: 'times in a range',
    text: 'event.created:>="2026-11-21T12:00:00Z"',
    superset:
      '(coalesce("_created" IS NOT NULL AND "_created" >= $1::DOUBLE, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',event.created,\')))',
    subset:
      '(coalesce("_created" IS NOT NULL AND "_created" >= $1::DOUBLE, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',event.created,\')))',
    values: [1795262400000],
  },
  {
    name: 'addresses in a range',
    text: 'source.ip:["10.0.0.0" TO "10.0.0.9"]',
    superset:
      '(coalesce(("_address.source.ip" >= $1::VARCHAR AND "_address.source.ip" <= $2::VARCHAR AND strlen("_address.source.ip") = 8), FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',source.ip,\')))',
    subset:
      '(coalesce(("_address.source.ip" >= $1::VARCHAR AND "_address.source.ip" <= $2::VARCHAR AND strlen("_address.source.ip") = 8), FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',source.ip,\')))',
    values: ['0a000000', '0a000009'],
  },
  {
    name: 'words in a range',
    text: 'process.name:[a TO c]',
    superset:
      '(coalesce((lower("process.name") >= $1::VARCHAR AND lower("process.name") <= $2::VARCHAR), FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    subset:
      '(coalesce((lower("process.name") >= $1::VARCHAR AND lower("process.name") <= $2::VARCHAR), FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    values: ['a', 'c'],
  },
  {
    name: 'numbers as words in a range',
    text: 'user.id:>=5',
    superset:
      '(coalesce((CASE WHEN regexp_full_match("user.id", \'-?[0-9]{1,20}(\\.[0-9]{1,20})?\') THEN TRY_CAST("user.id" AS DOUBLE) >= $1::DOUBLE ELSE lower("user.id") >= $2::VARCHAR END), FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',user.id,\')))',
    subset:
      '(coalesce((CASE WHEN regexp_full_match("user.id", \'-?[0-9]{1,20}(\\.[0-9]{1,20})?\') THEN TRY_CAST("user.id" AS DOUBLE) >= $1::DOUBLE ELSE lower("user.id") >= $2::VARCHAR END), FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',user.id,\')))',
    values: [5, '5'],
  },
  {
    name: 'a field that is there',
    text: 'process.name:*',
    superset:
      '(coalesce("process.name" IS NOT NULL, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    subset:
      '(coalesce("process.name" IS NOT NULL, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\')))',
    values: [],
  },
  {
    name: 'a list that has members',
    text: 'tags:*',
    superset: '(coalesce(len("tags") > 0, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',tags,\')))',
    subset: '(coalesce(len("tags") > 0, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',tags,\')))',
    values: [],
  },
  {
    name: 'a field without a column',
    text: 'process.tty:bash',
    superset:
      '(coalesce(coalesce(contains("_rest", \'tty":\'), FALSE) AND contains(lower("_rest"), $1::VARCHAR), FALSE) AND (CASE WHEN NOT coalesce(contains("_rest", \'tty":\'), FALSE) THEN FALSE WHEN contains("_rest", \'\\u\') THEN TRUE ELSE (contains("_rest", \'process.tty":\') OR coalesce(json_type("_rest", \'$."process"."tty"\') IN (\'ARRAY\', \'OBJECT\', \'DOUBLE\'), FALSE) OR coalesce(json_type("_rest", \'$."process"\') = \'ARRAY\', FALSE)) END OR coalesce(lower(CASE WHEN coalesce(contains("_rest", \'tty":\'), FALSE) AND NOT contains("_rest", \'\\u\') THEN json_extract_string("_rest", \'$."process"."tty"\') END) = $2::VARCHAR, FALSE)))',
    subset:
      '(coalesce(coalesce(contains("_rest", \'tty":\'), FALSE) AND contains(lower("_rest"), $1::VARCHAR), FALSE) AND NOT CASE WHEN NOT coalesce(contains("_rest", \'tty":\'), FALSE) THEN FALSE WHEN contains("_rest", \'\\u\') THEN TRUE ELSE (contains("_rest", \'process.tty":\') OR coalesce(json_type("_rest", \'$."process"."tty"\') IN (\'ARRAY\', \'OBJECT\', \'DOUBLE\'), FALSE) OR coalesce(json_type("_rest", \'$."process"\') = \'ARRAY\', FALSE)) END AND coalesce(lower(CASE WHEN coalesce(contains("_rest", \'tty":\'), FALSE) AND NOT contains("_rest", \'\\u\') THEN json_extract_string("_rest", \'$."process"."tty"\') END) = $2::VARCHAR, FALSE))',
    values: ['bash', 'bash'],
  },
  {
    name: 'a field without a column, by pattern',
    text: 'auditd.data.a0:5*',
    superset:
      '(coalesce(coalesce(contains("_rest", \'a0":\'), FALSE) AND contains(lower("_rest"), $1::VARCHAR), FALSE) AND (CASE WHEN NOT coalesce(contains("_rest", \'a0":\'), FALSE) THEN FALSE WHEN contains("_rest", \'\\u\') THEN TRUE ELSE (contains("_rest", \'auditd.data":\') OR contains("_rest", \'data.a0":\') OR coalesce(json_type("_rest", \'$."auditd"."data"."a0"\') IN (\'ARRAY\', \'OBJECT\', \'DOUBLE\'), FALSE) OR coalesce(json_type("_rest", \'$."auditd"\') = \'ARRAY\', FALSE) OR coalesce(json_type("_rest", \'$."auditd"."data"\') = \'ARRAY\', FALSE)) END OR coalesce(starts_with(lower(CASE WHEN coalesce(contains("_rest", \'a0":\'), FALSE) AND NOT contains("_rest", \'\\u\') THEN json_extract_string("_rest", \'$."auditd"."data"."a0"\') END), $2::VARCHAR), FALSE)))',
    subset:
      '(coalesce(coalesce(contains("_rest", \'a0":\'), FALSE) AND contains(lower("_rest"), $1::VARCHAR), FALSE) AND NOT CASE WHEN NOT coalesce(contains("_rest", \'a0":\'), FALSE) THEN FALSE WHEN contains("_rest", \'\\u\') THEN TRUE ELSE (contains("_rest", \'auditd.data":\') OR contains("_rest", \'data.a0":\') OR coalesce(json_type("_rest", \'$."auditd"."data"."a0"\') IN (\'ARRAY\', \'OBJECT\', \'DOUBLE\'), FALSE) OR coalesce(json_type("_rest", \'$."auditd"\') = \'ARRAY\', FALSE) OR coalesce(json_type("_rest", \'$."auditd"."data"\') = \'ARRAY\', FALSE)) END AND coalesce(starts_with(lower(CASE WHEN coalesce(contains("_rest", \'a0":\'), FALSE) AND NOT contains("_rest", \'\\u\') THEN json_extract_string("_rest", \'$."auditd"."data"."a0"\') END), $2::VARCHAR), FALSE))',
    values: ['5', '5'],
  },
  {
    name: 'a field whose name needs quotes',
    text: '"quo\'te":a',
    superset: 'TRUE',
    subset: 'FALSE',
    values: [],
  },
  {
    name: 'an object',
    text: 'process:*',
    superset: 'TRUE',
    subset: 'FALSE',
    values: [],
  },
  {
    name: 'free text',
    text: '"drop table"',
    superset:
      '((coalesce(contains(lower("event.original"), $1::VARCHAR), FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',event.original,\'))) OR (coalesce(contains(lower("message"), $2::VARCHAR), FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',message,\'))))',
    subset:
      '((coalesce(contains(lower("event.original"), $1::VARCHAR), FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',event.original,\'))) OR (coalesce(contains(lower("message"), $2::VARCHAR), FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',message,\'))))',
    values: ['drop table', 'drop table'],
  },
  {
    name: 'not',
    text: 'NOT process.name:bash',
    superset:
      '(NOT (coalesce(lower("process.name") = $1::VARCHAR, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\'))))',
    subset:
      '(NOT (coalesce(lower("process.name") = $1::VARCHAR, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\'))))',
    values: ['bash'],
  },
  {
    name: 'and, or',
    text: 'process.name:bash AND (user.id:0 OR user.id:33)',
    superset:
      '((coalesce(lower("process.name") = $1::VARCHAR, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\'))) AND ((coalesce(lower("user.id") = $2::VARCHAR, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',user.id,\'))) OR (coalesce(lower("user.id") = $3::VARCHAR, FALSE) OR ("_odd" IS NOT NULL AND contains("_odd", \',user.id,\')))))',
    subset:
      '((coalesce(lower("process.name") = $1::VARCHAR, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',process.name,\'))) AND ((coalesce(lower("user.id") = $2::VARCHAR, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',user.id,\'))) OR (coalesce(lower("user.id") = $3::VARCHAR, FALSE) AND NOT ("_odd" IS NOT NULL AND contains("_odd", \',user.id,\')))))',
    values: ['bash', '0', '33'],
  },
];
