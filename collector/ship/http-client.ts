// One kept-alive connection to the server, over node:http or node:https. Answers are bounded, and every failure is a value.
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { rootCertificates } from 'node:tls';
import { gzip } from 'node:zlib';

/** Without a word for so long the connection is given up, ms. */
const SILENCE_MS_MAX = 30_000;
/** The longest answer that is read, bytes: the verdicts on 10,000 events. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

export type HttpAnswer =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: string;
      readonly retryAfterMs: number | undefined;
    }
  | { readonly kind: 'unreachable'; readonly reason: string };

interface HttpRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The whole request, ms; 30 s of silence when absent. */
  readonly timeoutMs?: number;
}

export interface HttpClient {
  post(request: HttpRequest): Promise<HttpAnswer>;
  close(): void;
}

/** A client of the server at `url`; throws when that is no http or https URL. */
export function createHttpClient(url: string, certificateAuthorityFile: string | undefined): HttpClient {
  const base = new URL(url);
  if (base.protocol !== 'http:' && base.protocol !== 'https:')
    throw new TypeError('the server’s URL is neither http nor https');
  const isSecure = base.protocol === 'https:';
  const agent = isSecure
    ? new HttpsAgent({
        keepAlive: true,
        maxSockets: 2,
        ...(certificateAuthorityFile === undefined
          ? {}
          : { ca: [...rootCertificates, readFileSync(certificateAuthorityFile, 'utf8')] }),
      })
    : new HttpAgent({ keepAlive: true, maxSockets: 2 });
  const prefix = base.pathname.replace(/\/+$/, '');
  return {
    post: ({ path, headers, body, timeoutMs }) =>
      new Promise((resolve) => {
        const send = isSecure ? httpsRequest : httpRequest;
        const request = send({
          agent,
          method: 'POST',
          hostname: base.hostname.replace(/^\[|\]$/g, ''),
          port: base.port === '' ? (isSecure ? 443 : 80) : Number(base.port),
          path: prefix + path,
          headers: { ...headers, 'content-length': String(body.length) },
        });
        const unreachable = (error: Error): void => {
          clearTimeout(deadline);
          resolve({ kind: 'unreachable', reason: (error as NodeJS.ErrnoException).code ?? error.message });
        };
        const deadline =
          timeoutMs === undefined
            ? undefined
            : setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
        request.setTimeout(SILENCE_MS_MAX, () => request.destroy(new Error('no answer within 30 s')));
        request.on('error', unreachable);
        request.on('response', (response) => {
          readBody(response).then((text) => {
            clearTimeout(deadline);
            resolve({
              kind: 'answer',
              status: response.statusCode ?? 0,
              body: text,
              retryAfterMs: retryAfter(response.headers['retry-after']),
            });
          }, unreachable);
        });
        request.end(body);
      }),
    close: () => agent.destroy(),
  };
}

async function readBody(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response) {
    bytes += (part as Buffer).length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error('the answer is longer than any of ours');
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString('utf8');
}

function retryAfter(value: string | undefined): number | undefined {
  return value !== undefined && /^[0-9]{1,5}$/.test(value) ? Number(value) * 1000 : undefined;
}

/** A body as gzip, fast rather than small. */
export function compressed(body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gzip(body, { level: 1 }, (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}
