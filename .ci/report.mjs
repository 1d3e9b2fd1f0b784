// A reporter of vitest that writes what .ci/count.mjs adds up and tells: each test with its file, and of each failure its message, what
// differs and the line. Vitest's own JSON has neither the difference nor errors outside of tests. TEST_REPORT says which file.
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

export default class Report {
  onTestRunEnd(modules, unhandledErrors) {
    const tests = [];
    const errors = unhandledErrors.map((error) => ({ about: 'outside of tests', ...told(error) }));
    for (const module of modules) {
      const file = relative(process.cwd(), module.moduleId);
      const own = [...module.children.allTests()];
      for (const test of own) {
        const { state, errors: failures = [] } = test.result();
        tests.push({
          file,
          name: test.fullName,
          state,
          failures: failures.map((error) => told(error, module.moduleId)),
        });
      }
      const around = [module, ...module.children.allSuites()].flatMap((suite) => suite.errors());
      for (const error of around)
        errors.push({ about: `around the tests of ${file}`, ...told(error, module.moduleId) });
      if (own.length === 0 && around.length === 0) errors.push({ about: file, text: 'no test ran', at: '' });
    }
    writeFileSync(process.env.TEST_REPORT, JSON.stringify({ tests, errors }));
  }
}

function told(error, file) {
  const frames = error.stacks ?? [];
  const frame = frames.find((one) => one.file === file) ?? frames[0];
  const at = frame === undefined ? '' : `${relative(process.cwd(), frame.file)}:${frame.line}`;
  const message = `${error.name ?? 'Error'}: ${error.message ?? String(error)}`;
  return { text: error.diff === undefined ? message : `${message}\n${error.diff}`, at };
}
