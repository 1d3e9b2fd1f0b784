// Queries and the filters that the Elasticsearch dialect makes of them: elasticsearch-dialect.test.ts compares the text,
// elasticsearch-store.elasticsearch.ts asks a real node.

export interface FilterCase {
  readonly name: string;
  readonly text: string;
  /** As JSON. Every one ends with what is asked, or kept out, of wrapped documents. */
  readonly superset: string;
  readonly subset: string;
}

export const FILTER_CASES: readonly FilterCase[] = [
  {
    name: 'a value, letter by letter; the Kelvin sign is a k',
    text: 'process.name:bak',
    superset:
      '{"bool":{"should":[{"regexp":{"process.name":{"value":"[bB][aA][kKK]","flags":"NONE","max_determinized_states":100000}}},{"term":{"_ignored":"process.name"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset:
      '{"bool":{"filter":[{"regexp":{"process.name":{"value":"[bB][aA][kKK]","flags":"NONE","max_determinized_states":100000}}},{"bool":{"must_not":[{"term":{"vedette_wrapped_mark":"yes"}}]}}]}}',
  },
  {
    name: 'a value without cases is one term',
    text: 'user.id:0',
    superset:
      '{"bool":{"should":[{"term":{"user.id":"0"}},{"term":{"_ignored":"user.id"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset:
      '{"bool":{"filter":[{"term":{"user.id":"0"}},{"bool":{"must_not":[{"term":{"vedette_wrapped_mark":"yes"}}]}}]}}',
  },
  {
    name: 'quotes and operators are data',
    text: 'process.name:"a\\"b.*[c]@~"',
    superset:
      '{"bool":{"should":[{"regexp":{"process.name":{"value":"[aA]\\\\\\"[bB]\\\\.\\\\*\\\\[[cC]\\\\]\\\\@\\\\~","flags":"NONE","max_determinized_states":100000}}},{"term":{"_ignored":"process.name"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset:
      '{"bool":{"filter":[{"regexp":{"process.name":{"value":"[aA]\\\\\\"[bB]\\\\.\\\\*\\\\[[cC]\\\\]\\\\@\\\\~","flags":"NONE","max_determinized_states":100000}}},{"bool":{"must_not":[{"term":{"vedette_wrapped_mark":"yes"}}]}}]}}',
  },
  {
    name: 'a final sigma is a sigma',
    text: 'process.name:σ',
    superset:
      '{"bool":{"should":[{"regexp":{"process.name":{"value":"[σΣς]","flags":"NONE","max_determinized_states":100000}}},{"term":{"_ignored":"process.name"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset:
      '{"bool":{"filter":[{"regexp":{"process.name":{"value":"[σΣς]","flags":"NONE","max_determinized_states":100000}}},{"bool":{"must_not":[{"term":{"vedette_wrapped_mark":"yes"}}]}}]}}',
  },
  {
    name: 'a whole number',
    text: 'process.pid:100',
    superset:
      '{"bool":{"should":[{"term":{"process.pid":100}},{"term":{"_ignored":"process.pid"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset:
      '{"bool":{"filter":[{"term":{"process.pid":100}},{"bool":{"must_not":[{"term":{"vedette_wrapped_mark":"yes"}}]}}]}}',
  },
  {
    name: 'a number that the index does not hold',
    text: 'process.pid:1.5',
    superset:
      '{"bool":{"should":[{"term":{"_ignored":"process.pid"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset: '{"match_none":{}}',
  },
  {
    name: 'a number beyond what is exact',
    text: 'process.pid:9007199254740993',
    superset:
      '{"bool":{"should":[{"term":{"_ignored":"process.pid"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset: '{"match_none":{}}',
  },
  {
    name: 'a network',
    text: 'source.ip:"10.0.0.0/8"',
    superset:
      '{"bool":{"should":[{"term":{"source.ip":"10.0.0.0/8"}},{"term":{"_ignored":"source.ip"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset:
      '{"bool":{"filter":[{"term":{"source.ip":"10.0.0.0/8"}},{"bool":{"must_not":[{"term":{"vedette_wrapped_mark":"yes"}}]}}]}}',
  },
  {
    name: 'no address',
    text: 'source.ip:localhost',
    superset:
      '{"bool":{"should":[{"term":{"_ignored":"source.ip"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset: '{"match_none":{}}',
  },
  {
    name: 'the beginning of addresses',
    text: 'source.ip:10.1.*',
    superset:
      '{"bool":{"should":[{"term":{"source.ip":"10.1.0.0/16"}},{"term":{"_ignored":"source.ip"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset: '{"match_none":{}}',
  },
  {
    name: 'a time',
    text: '@timestamp:"2026-11-21T12:00:00Z"',
    superset:
      '{"bool":{"should":[{"range":{"@timestamp":{"gte":1795262400000,"lte":1795262400999,"format":"epoch_millis"}}},{"range":{"@timestamp":{"lt":-62167219200000,"format":"epoch_millis"}}},{"range":{"@timestamp":{"gt":253402300799999,"format":"epoch_millis"}}},{"term":{"_ignored":"@timestamp"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset:
      '{"bool":{"filter":[{"range":{"@timestamp":{"gte":1795262400000,"lte":1795262400999,"format":"epoch_millis"}}},{"bool":{"must_not":[{"term":{"vedette_wrapped_mark":"yes"}}]}}]}}',
  },
  {
    name: 'a wildcard',
    text: 'process.name:b?s*',
    superset:
      '{"bool":{"should":[{"regexp":{"process.name":{"value":"[bB].[sS].*","flags":"NONE","max_determinized_states":100000}}},{"term":{"_ignored":"process.name"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset:
      '{"bool":{"filter":[{"regexp":{"process.name":{"value":"[bB].[sS].*","flags":"NONE","max_determinized_states":100000}}},{"bool":{"must_not":[{"term":{"vedette_wrapped_mark":"yes"}}]}}]}}',
  },
  {
    name: 'any value',
    text: 'process.name:*',
    superset:
      '{"bool":{"should":[{"exists":{"field":"process.name"}},{"term":{"_ignored":"process.name"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset:
      '{"bool":{"filter":[{"exists":{"field":"process.name"}},{"bool":{"must_not":[{"term":{"vedette_wrapped_mark":"yes"}}]}}]}}',
  },
  {
    name: 'too many ? after a * for an automaton',
    text: 'process.name:*a???????',
    superset:
      '{"bool":{"should":[{"exists":{"field":"process.name"}},{"term":{"_ignored":"process.name"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset: '{"match_none":{}}',
  },
  {
    name: 'a regular expression that both read alike',
    text: 'process.name:/(ba|z)?s[h-j]+/',
    superset:
      '{"bool":{"should":[{"regexp":{"process.name":{"value":"([bB][aA]|[zZ])?[sSſ][hHiIjJ]+","flags":"NONE","max_determinized_states":100000}}},{"term":{"_ignored":"process.name"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset:
      '{"bool":{"filter":[{"regexp":{"process.name":{"value":"([bB][aA]|[zZ])?[sSſ][hHiIjJ]+","flags":"NONE","max_determinized_states":100000}}},{"bool":{"must_not":[{"term":{"vedette_wrapped_mark":"yes"}}]}}]}}',
  },
  {
    name: 'one that only RE2 reads so',
    text: 'process.name:/\\w+/',
    superset:
      '{"bool":{"should":[{"exists":{"field":"process.name"}},{"term":{"_ignored":"process.name"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset: '{"match_none":{}}',
  },
  {
    name: 'a range of numbers',
    text: 'process.pid:[5 TO 10}',
    superset:
      '{"bool":{"should":[{"range":{"process.pid":{"gte":5,"lte":9}}},{"term":{"_ignored":"process.pid"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset:
      '{"bool":{"filter":[{"range":{"process.pid":{"gte":5,"lte":9}}},{"bool":{"must_not":[{"term":{"vedette_wrapped_mark":"yes"}}]}}]}}',
  },
  {
    name: 'a range with a fraction',
    text: 'process.pid:>5.5',
    superset:
      '{"bool":{"should":[{"range":{"process.pid":{"gte":6}}},{"term":{"_ignored":"process.pid"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset:
      '{"bool":{"filter":[{"range":{"process.pid":{"gte":6}}},{"bool":{"must_not":[{"term":{"vedette_wrapped_mark":"yes"}}]}}]}}',
  },
  {
    name: 'a range of texts',
    text: 'process.name:[a TO b]',
    superset:
      '{"bool":{"should":[{"exists":{"field":"process.name"}},{"term":{"_ignored":"process.name"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset: '{"match_none":{}}',
  },
  {
    name: 'a range of addresses',
    text: 'source.ip:[10.0.0.1 TO 10.0.0.9]',
    superset:
      '{"bool":{"should":[{"range":{"source.ip":{"gte":"10.0.0.1","lte":"10.0.0.9"}}},{"term":{"_ignored":"source.ip"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset:
      '{"bool":{"filter":[{"range":{"source.ip":{"gte":"10.0.0.1","lte":"10.0.0.9"}}},{"bool":{"must_not":[{"term":{"vedette_wrapped_mark":"yes"}}]}}]}}',
  },
  {
    name: 'words of the raw records',
    text: '"type=USER_CMD msg=x"',
    superset:
      '{"bool":{"should":[{"bool":{"filter":[{"wildcard":{"event.original":{"value":"*type*"}}},{"wildcard":{"event.original":{"value":"*user*"}}},{"wildcard":{"event.original":{"value":"*cmd*"}}},{"term":{"event.original":"msg"}},{"wildcard":{"event.original":{"value":"*x*"}}}]}},{"bool":{"filter":[{"wildcard":{"message":{"value":"*type*"}}},{"wildcard":{"message":{"value":"*user*"}}},{"wildcard":{"message":{"value":"*cmd*"}}},{"term":{"message":"msg"}},{"wildcard":{"message":{"value":"*x*"}}}]}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset: '{"match_none":{}}',
  },
  {
    name: 'inside an open-ended object',
    text: 'auditd.data.a0:5f',
    superset:
      '{"bool":{"should":[{"term":{"auditd.data.a0":{"value":"5f","case_insensitive":true}}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset: '{"match_none":{}}',
  },
  {
    name: 'inside one, letters that fold from outside ASCII',
    text: 'auditd.data.op:login',
    superset:
      '{"bool":{"should":[{"exists":{"field":"auditd.data.op"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset: '{"match_none":{}}',
  },
  {
    name: 'a field that is not indexed',
    text: 'custom.thing:x',
    superset: '{"match_all":{}}',
    subset: '{"match_none":{}}',
  },
  {
    name: 'not turns the sides round',
    text: 'not process.name:0',
    superset:
      '{"bool":{"should":[{"bool":{"must_not":[{"term":{"process.name":"0"}}]}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset:
      '{"bool":{"filter":[{"bool":{"must_not":[{"bool":{"should":[{"term":{"process.name":"0"}},{"term":{"_ignored":"process.name"}}],"minimum_should_match":1}}]}},{"bool":{"must_not":[{"term":{"vedette_wrapped_mark":"yes"}}]}}]}}',
  },
  {
    name: 'and, or',
    text: 'user.id:0 and (user.id:1 or custom.x:2)',
    superset:
      '{"bool":{"should":[{"term":{"user.id":"0"}},{"term":{"_ignored":"user.id"}},{"term":{"vedette_wrapped_mark":"yes"}}],"minimum_should_match":1}}',
    subset:
      '{"bool":{"filter":[{"term":{"user.id":"0"}},{"term":{"user.id":"1"}},{"bool":{"must_not":[{"term":{"vedette_wrapped_mark":"yes"}}]}}]}}',
  },
];

const alternate = (depth: number): string =>
  depth === 0
    ? 'user.name:root'
    : `${depth % 2 === 0 ? 'not ' : ''}(user.id:${depth} or not (${alternate(depth - 1)}))`;

/** Queries as wide and as deep as the language takes them. */
export const LARGE_QUERIES: readonly { readonly name: string; readonly text: string }[] = [
  { name: 'a field by pattern', text: 'process.*:8* or user.*:r*' },
  {
    name: '128 alternatives',
    text: `process.name:(${Array.from({ length: 127 }, (_, n) => `n${n}`).join(' or ')} or bash)`,
  },
  { name: '128 conditions', text: Array.from({ length: 128 }, (_, n) => `not user.id:${n + 1}`).join(' and ') },
  { name: '30 levels', text: alternate(15) },
];
