// Where requests get the host's token from: the file that was named, or an enrolment of our own, tried until it succeeds.
import { obtainToken } from '../enrol.ts';
import type { CollectorOptions, Notice } from '../options.ts';
import type { HttpClient } from './http-client.ts';

/** A host without a token asks again after so long, ms. */
const ENROL_EVERY_MS = 1_000;
const ENROL_REFUSED_EVERY_MS = 30_000;

export interface TokenSource {
  /** The token; got when it is first needed; while there is none, asked for again now and then. */
  token(): Promise<string | undefined>;
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
  const { tokenFile, enrollmentSecretFile, enrollmentSecret } = options.server;
  let token: string | undefined;
  let notBeforeMs = 0;
  let lastReason = '';
  async function current(): Promise<string | undefined> {
    // A token file may be replaced at any time; a token of our own enrolment stays.
    if (token !== undefined && tokenFile === undefined) return token;
    if (options.now() < notBeforeMs) return token;
    const enrolment = await obtainToken(folder, parts.host, {
      tokenFile,
      enrollmentSecretFile,
      enrollmentSecret,
      client: parts.client,
    });
    if (enrolment.kind === 'token') {
      token = enrolment.token;
      notBeforeMs = options.now() + ENROL_EVERY_MS;
      return token;
    }
    notBeforeMs = options.now() + (enrolment.kind === 'wait' ? ENROL_EVERY_MS : ENROL_REFUSED_EVERY_MS);
    if (enrolment.reason !== lastReason) {
      lastReason = enrolment.reason;
      const level = enrolment.kind === 'wait' ? 'info' : 'error';
      parts.notify({ level, code: 'not-enrolled', text: `This host has no token yet: ${enrolment.reason}.` });
    }
    return token;
  }

  return {
    token: current,
    forget() {
      token = undefined;
      notBeforeMs = 0;
    },
  };
}
