// One value of the configuration, from text to what the program works with, or one sentence that says what is wrong.
// The same for the file, the environment and the command line.
import { isAbsolute, resolve } from 'node:path';
import { parseDuration } from '../../event/duration.ts';
import { suggestion } from '../suggestion.ts';
import type { ConfigKey } from './keys.ts';

export type ConfigValue = string | number | boolean | readonly string[];

export type Reading =
  | { readonly isOk: true; readonly value: ConfigValue }
  | { readonly isOk: false; readonly message: string; readonly remedy: string };

const TEXT_LENGTH_MAX = 4096;
const LIST_LENGTH_MAX = 100;
const BYTES = /^([0-9]{1,15}) ?(B|KiB|MiB|GiB|TiB)?$/;
const BYTES_OF_UNIT = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 } as const;

/** Reads a value; `folder` is what relative paths are relative to. Lists come as several texts, everything else as one. */
export function readValue(key: ConfigKey, texts: readonly string[], folder: string): Reading {
  if (texts.length > LIST_LENGTH_MAX) return wrong(`more than ${LIST_LENGTH_MAX} values`, 'Give fewer.');
  for (const text of texts) {
    if (text.length > TEXT_LENGTH_MAX)
      return wrong(`longer than ${TEXT_LENGTH_MAX} characters`, 'Give a shorter value.');
    if (/[\0\r\n]/.test(text)) return wrong('a line break in the value', 'Give it as one line.');
    if (text.trim() === '') return wrong('no value', `Give one, or leave \`${key.path}\` out.`);
  }
  if (key.kind === 'texts') return right(texts);
  if (key.kind === 'paths') return right(texts.map((text) => absolute(text, folder)));
  const [text, ...more] = texts;
  if (text === undefined || more.length > 0) return wrong('a list', 'Give one value.');
  return readOne(key, text, folder);
}

function readOne(key: ConfigKey, text: string, folder: string): Reading {
  switch (key.kind) {
    case 'text':
    case 'texts':
    case 'secret':
      return right(text);
    case 'path':
    case 'paths':
      return right(absolute(text, folder));
    case 'port':
      return /^[0-9]{1,5}$/.test(text) && Number(text) <= 65_535
        ? right(Number(text))
        : wrong(`\`${text}\` is not a port`, 'Give a number from 0 to 65535.');
    case 'count':
      return /^[1-9][0-9]{0,8}$/.test(text)
        ? right(Number(text))
        : wrong(`\`${text}\` is not a whole number from 1`, 'Give a number from 1 to 999999999.');
    case 'boolean':
      return text === 'true' || text === 'false'
        ? right(text === 'true')
        : wrong(`\`${text}\` is neither true nor false`, 'Write `true` or `false`.');
    case 'duration': {
      const ms = parseDuration(text);
      return ms === undefined || ms === 0
        ? wrong(`\`${text}\` is not a duration`, 'Write a whole number and its unit: 500ms, 30s, 5m, 12h, 7d, 4w.')
        : right(ms);
    }
    case 'bytes': {
      const bytes = readBytes(text);
      return bytes !== undefined
        ? right(bytes)
        : wrong(`\`${text}\` is not a size`, 'Write a whole number and its unit: 64MiB, 1GiB.');
    }
    case 'percent': {
      const match = /^([0-9]{1,4}) ?%$/.exec(text);
      const percent = Number(match?.[1]);
      return match !== null && percent > 0
        ? right(percent)
        : wrong(`\`${text}\` is not a percentage`, 'Write a whole number and its sign: 20%.');
    }
    case 'url':
      return readUrl(text);
    case 'choice':
      return key.choices?.includes(text) === true
        ? right(text)
        : wrong(
            `\`${text}\` is none of ${(key.choices ?? []).join(', ')}`,
            suggestion(text, key.choices ?? [], 'Choose one of them.'),
          );
  }
}

/** `64MiB` as bytes; undefined for what is no size, or none at all. */
export function readBytes(text: string): number | undefined {
  const match = BYTES.exec(text);
  const bytes = Number(match?.[1]) * BYTES_OF_UNIT[(match?.[2] ?? 'B') as keyof typeof BYTES_OF_UNIT];
  return match !== null && Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

function readUrl(text: string): Reading {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return wrong('not an http or https URL', 'Write it in full: https://host:port/path.');
  }
  if (url.username !== '' || url.password !== '') {
    return wrong(
      'a URL with a user name or password in it',
      'Take them out: they would end in logs. Use the file or secret key.',
    );
  }
  return right(text.replace(/\/+$/, ''));
}

function absolute(text: string, folder: string): string {
  return isAbsolute(text) ? resolve(text) : resolve(folder, text);
}

function right(value: ConfigValue): Reading {
  return { isOk: true, value };
}

function wrong(message: string, remedy: string): Reading {
  return { isOk: false, message, remedy };
}
