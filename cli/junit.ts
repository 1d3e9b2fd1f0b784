// Results of rule tests as JUnit's XML, which every CI reads. Names come from files: what XML cannot hold is left out.

export interface JunitCase {
  readonly suite: string;
  readonly file: string;
  readonly name: string;
  readonly line: number;
  /** Why it failed, in lines; undefined: it passed. */
  readonly failure: { readonly message: string; readonly lines: readonly string[] } | undefined;
}

/** Files that could not be read at all. */
export interface JunitError {
  readonly file: string;
  readonly line: number;
  readonly message: string;
  readonly text: string;
}

export function junitXml(cases: readonly JunitCase[], errors: readonly JunitError[]): string {
  const suites = Map.groupBy(cases, ({ suite }) => suite);
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const totals = `tests="${cases.length + errors.length}" failures="${failures}" errors="${errors.length}"`;
  const written = [...suites].map(([suite, own]) => suiteXml(suite, own));
  if (errors.length > 0) written.push(errorsXml(errors));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="vedette rules test" ${totals}>\n${written.join('')}</testsuites>\n`;
}

function suiteXml(suite: string, cases: readonly JunitCase[]): string {
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const head = `  <testsuite name="${escaped(suite)}" tests="${cases.length}" failures="${failures}" errors="0">\n`;
  const rows = cases.map(({ file, name, line, failure }) => {
    const attributes = `classname="${escaped(suite)}" name="${escaped(name)}" file="${escaped(file)}" line="${line}"`;
    if (failure === undefined) return `    <testcase ${attributes}/>\n`;
    const text = escaped(failure.lines.join('\n'));
    return `    <testcase ${attributes}>\n      <failure message="${escaped(failure.message)}">${text}</failure>\n    </testcase>\n`;
  });
  return `${head}${rows.join('')}  </testsuite>\n`;
}

function errorsXml(errors: readonly JunitError[]): string {
  const head = `  <testsuite name="files" tests="${errors.length}" failures="0" errors="${errors.length}">\n`;
  const rows = errors.map(({ file, line, message, text }) => {
    const attributes = `classname="files" name="${escaped(`${file}:${line}`)}" file="${escaped(file)}" line="${line}"`;
    return `    <testcase ${attributes}>\n      <error message="${escaped(message)}">${escaped(text)}</error>\n    </testcase>\n`;
  });
  return `${head}${rows.join('')}  </testsuite>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
};

function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"\n]/g, (sign) => ENTITIES[sign] ?? sign);
}
