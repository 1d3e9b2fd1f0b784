// What requests are authorized with: the token of the file that was named, or of an enrolment of our own, tried until it
// succeeds; for Elasticsearch an API key.
import { join } from 'node:path';
import { keepToken, obtainToken, readSecret } from '../enrol.ts';
import type { CollectorOptions, Notice } from '../options.ts';
import type { HttpClient } from './http-client.ts';

/** A host without a token asks again after so long, ms. */
const ENROL_EVERY_MS = 1_000;
const ENROL_REFUSED_EVERY_MS = 30_000;

export interface TokenSource {
  /** The Authorization header; got when it is first needed; while there is none, asked for again now and then. */
  authorization(): Promise<string | undefined>;
  /** The server refused it: whoever replaces the file (`token` in the collector's folder, or the one that was named) is heard at the next try. */
  forget(): void;
}

export function createTokenSource(
  options: CollectorOptions,
  folder: string,
  parts: {
    readonly host: { readonly id: string; readonly name: string };
    readonly client: HttpClient;
    readonly notify: (notice: Notice) => void;
  },
): TokenSource {
  const { tokenFile, enrollmentSecretFile, enrollmentSecret, apiKey, apiKeyFile, destination } = options.server;
  let token: string | undefined;
  let askAgain = always;
  /** The disk did not take it yet. */
  let isUnkept = false;
  let lastReason = '';
  let key: string | undefined = apiKey;
  let readAgain = always;

  /** True once `afterMs` have passed; at once where the clock was set back. */
  function after(afterMs: number): () => boolean {
    const sinceMs = options.now();
    return () => options.now() < sinceMs || options.now() - sinceMs >= afterMs;
  }

  async function current(): Promise<string | undefined> {
    // A token file may be replaced at any time; a token of our own enrolment stays.
    if (token !== undefined && tokenFile === undefined) {
      if (isUnkept && askAgain()) keep(token);
      return token;
    }
    if (!askAgain()) return token;
    const enrolment =
      destination === 'elasticsearch' && tokenFile === undefined
        ? { kind: 'wait' as const, reason: 'there is no API key' }
        : await obtainToken(folder, parts.host, {
            tokenFile,
            enrollmentSecretFile,
            enrollmentSecret,
            client: parts.client,
          });
    if (enrolment.kind === 'token') {
      token = enrolment.token;
      askAgain = after(ENROL_EVERY_MS);
      if (enrolment.notKept !== undefined) {
        isUnkept = true;
        const text = `This host’s token cannot be kept (${enrolment.notKept}): it is tried again.`;
        parts.notify({ level: 'error', code: 'disk-failed', text });
      }
      return token;
    }
    askAgain = after(enrolment.kind === 'wait' ? ENROL_EVERY_MS : ENROL_REFUSED_EVERY_MS);
    if (enrolment.reason !== lastReason) {
      lastReason = enrolment.reason;
      const level = enrolment.kind === 'wait' ? 'info' : 'error';
      parts.notify({ level, code: 'not-enrolled', text: `This host has no token yet: ${enrolment.reason}.` });
    }
    return token;
  }

  function keep(unkept: string): void {
    askAgain = after(ENROL_EVERY_MS);
    isUnkept = keepToken(join(folder, 'token'), unkept) !== undefined;
  }

  /** A key file may be replaced at any time: it is read again as often as a token file. */
  function currentKey(): string | undefined {
    if (apiKeyFile === undefined || !readAgain()) return key;
    const found = readSecret(apiKeyFile);
    if (found === undefined && key === undefined) return undefined;
    readAgain = after(ENROL_EVERY_MS);
    key = found ?? key;
    return key;
  }

  return {
    async authorization() {
      const known = currentKey();
      if (known !== undefined) return `ApiKey ${known}`;
      const found = await current();
      return found === undefined ? undefined : `Bearer ${found}`;
    },
    forget() {
      // The one that is in no file is the only one that there is.
      if (!isUnkept) token = undefined;
      askAgain = always;
      readAgain = always;
    },
  };
}

const always = (): boolean => true;
