// The entries of `blacklist` and `whitelist`: texts, and the lines of the files that they name (`"!file path"`).
import { VALUES_MAX } from './field-conditions.ts';
import { membersOf, partOf, refuse, textOf } from './notes.ts';
import type { Options, ReadNamed } from './options.ts';

/** What our lists take. */
const ENTRY_LENGTH_MAX = 1_024;

/** Undefined after a problem. */
export function listEntries(
  options: Options,
  key: 'blacklist' | 'whitelist',
  readNamed: ReadNamed,
): readonly string[] | undefined {
  const option = options.option(key);
  if (option === undefined) {
    return options.notes.problem(options.placeOf('type'), `this type needs \`${key}\``, 'Add the values.');
  }
  const part = options.part(option);
  const entries = new Set<string>();
  for (const member of membersOf(option.node)) {
    const entry = textOf(member);
    const here = partOf(part, member);
    if (entry === undefined) return refuse(here, 'an entry must be text', 'Write it in quotes.');
    if (!entry.startsWith('!file')) entries.add(entry);
    else {
      const path = entry.split(/\s+/)[1] ?? '';
      const named = readNamed(path, option.source.file);
      if (named.kind === 'refused')
        return refuse(
          here,
          `\`${path}\` is not read: ${named.why}`,
          'Give that file to the import too, or write the values out.',
        );
      for (const line of named.text.split('\n')) if (line.trimEnd() !== '') entries.add(line.trimEnd());
    }
    if (entries.size > VALUES_MAX)
      return refuse(here, `more than ${VALUES_MAX} values`, 'Keep them in a list of ours, and name it in the rule.');
  }
  const isLong = [...entries].some(({ length }) => length > ENTRY_LENGTH_MAX);
  if (!isLong) return [...entries];
  return refuse(
    part,
    `an entry is longer than ${ENTRY_LENGTH_MAX} characters`,
    'Lists of ours take none; leave it out.',
  );
}
