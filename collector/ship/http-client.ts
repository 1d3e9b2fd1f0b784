// A kept-alive connection to one server, over node:http or node:https. Bodies are packed as the server takes them, answers are
// bounded in length and time, and every failure is a value that holds neither URL nor secret.
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type Coding, type Compression, chooseCoding, packed, unpacked } from './body-coding.ts';
import { openTlsFiles, type TlsFiles, type TlsSource } from './tls-files.ts';

/** A connection has to be there after so long, ms: a network that swallows everything says nothing. */
const CONNECT_MS_MAX = 10_000;
/** Without a word for so long the connection is given up, ms. */
const SILENCE_MS_MAX = 30_000;
/** The whole request with its answer, ms: a server that sends a byte a second is no server. */
const REQUEST_MS_MAX = 60_000;
/** The longest answer that is read, bytes: the verdicts on 10,000 events. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
/** The longest that a server may put us off, ms. */
export const RETRY_AFTER_MS_MAX = 300_000;

export type HttpAnswer =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: string;
      readonly retryAfterMs: number | undefined;
      /** Another server stands by that has not failed yet: no need to wait. */
      readonly hasOther?: boolean;
    }
  | { readonly kind: 'unreachable'; readonly reason: string; readonly hasOther?: boolean };

export interface HttpRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The whole request, ms; a minute when absent. */
  readonly timeoutMs?: number;
}

export interface HttpClient {
  /** The body may be packed on its way. */
  post(request: HttpRequest): Promise<HttpAnswer>;
  close(): void;
}

export interface HttpClientOptions {
  readonly tls?: TlsFiles;
  readonly compression?: Compression;
  readonly connectMsMax?: number;
  readonly requestMsMax?: number;
  readonly now: () => number;
  readonly onProblem?: (text: string) => void;
}

/** A client of the server at `url`; throws when that is no http or https URL, or the TLS files are not usable. */
export function createHttpClient(url: string, options: HttpClientOptions): HttpClient {
  const base = new URL(url);
  if (base.protocol !== 'http:' && base.protocol !== 'https:')
    throw new TypeError('the server’s URL is neither http nor https');
  const { now, connectMsMax = CONNECT_MS_MAX, requestMsMax = REQUEST_MS_MAX } = options;
  const isSecure = base.protocol === 'https:';
  const tls = isSecure ? openTlsFiles(options.tls ?? {}, now(), (text) => options.onProblem?.(text)) : undefined;
  const coding = chooseCoding(options.compression ?? 'auto', isLoopback(base));
  let agent = newAgent(tls);
  const prefix = base.pathname.replace(/\/+$/, '');

  function send(request: HttpRequest, body: Buffer, encoding: Coding): Promise<Heard> {
    if (tls?.hasChanged(now()) === true) {
      agent.destroy();
      agent = newAgent(tls);
    }
    return new Promise((resolve) => {
      const start = isSecure ? httpsRequest : httpRequest;
      const limitMs = request.timeoutMs ?? requestMsMax;
      const outgoing = start({
        agent,
        method: 'POST',
        hostname: base.hostname.replace(/^\[|\]$/g, ''),
        port: base.port === '' ? (isSecure ? 443 : 80) : Number(base.port),
        path: prefix + request.path,
        headers: {
          ...request.headers,
          ...(encoding === 'identity' ? {} : { 'content-encoding': encoding }),
          'content-length': String(body.length),
        },
      });
      const giveUp = (what: string) => () => outgoing.destroy(new Error(what));
      const connecting = setTimeout(giveUp(`no connection within ${connectMsMax} ms`), connectMsMax);
      const deadline = setTimeout(giveUp(`no answer within ${limitMs} ms`), limitMs);
      const settle = (answer: Heard): void => {
        clearTimeout(connecting);
        clearTimeout(deadline);
        resolve(answer);
      };
      let hasAnswered = false;
      const unreachable = (error: Error): void => {
        const reason = (error as NodeJS.ErrnoException).code ?? error.message;
        const wasStale = !hasAnswered && outgoing.reusedSocket && CONNECTION_LOST.has(reason);
        settle({ kind: 'unreachable', reason, ...(wasStale ? { wasStale } : {}) });
      };
      outgoing.on('socket', (socket) => {
        if (!socket.connecting) clearTimeout(connecting);
        else socket.once(isSecure ? 'secureConnect' : 'connect', () => clearTimeout(connecting));
      });
      outgoing.setTimeout(SILENCE_MS_MAX, giveUp('no answer within 30 s'));
      outgoing.on('error', unreachable);
      // An answer that changes the protocol ends in neither an error nor a response.
      outgoing.on('close', () => {
        if (!hasAnswered) unreachable(new Error('the connection was closed without an answer'));
      });
      outgoing.on('response', (response) => {
        hasAnswered = true;
        const accepts = response.headers['accept-encoding'];
        readBody(response).then((text) => {
          settle({
            kind: 'answer',
            status: response.statusCode ?? 0,
            body: text,
            retryAfterMs: retryAfter(response.headers['retry-after'], now()),
            ...(accepts === undefined ? {} : { accepts: String(accepts) }),
          });
        }, unreachable);
      });
      outgoing.end(body);
    });
  }

  /** Once more where the server had closed the kept connection: that is no outage, and a repeated event is stored once. */
  async function sendKept(request: HttpRequest, encoding: Coding): Promise<Heard> {
    const body = await packed(request.body, encoding);
    const heard = await send(request, body, encoding);
    return heard.wasStale === true ? send(request, body, encoding) : heard;
  }

  return {
    async post(request) {
      for (;;) {
        const encoding = coding.of(request.body.length);
        const heard = await sendKept(request, encoding);
        const status = heard.kind === 'answer' ? heard.status : 0;
        if (encoding !== 'identity' && status === 415) {
          coding.refuse(encoding);
          continue;
        }
        if (encoding !== 'identity' && status === 400) {
          // A server that cannot unpack takes the body for nonsense: only the plain one tells whose fault it is.
          const plain = await sendKept(request, 'identity');
          if (plain.kind === 'answer' && plain.status >= 200 && plain.status < 300) coding.refuse(encoding);
          return answerOf(plain);
        }
        if (heard.kind === 'answer') coding.learn(heard.accepts);
        return answerOf(heard);
      }
    },
    close: () => agent.destroy(),
  };
}

/** What one sending came to. */
type Heard = HttpAnswer & {
  /** What the server says that it unpacks. */
  readonly accepts?: string;
  /** A kept connection had been closed by the server before the request could be answered. */
  readonly wasStale?: boolean;
};

/** What a connection ends with that the other side gave up. */
export const CONNECTION_LOST: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

function answerOf({ accepts: _, wasStale: __, ...answer }: Heard): HttpAnswer {
  return answer;
}

function newAgent(tls: TlsSource | undefined): HttpAgent {
  if (tls === undefined) return new HttpAgent({ keepAlive: true, maxSockets: 2 });
  const { ca, cert, key } = tls.material;
  return new HttpsAgent({
    keepAlive: true,
    maxSockets: 2,
    ...(ca === undefined ? {} : { ca: [...ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  });
}

/** True for a server that is reached without a network. */
function isLoopback({ hostname }: URL): boolean {
  return /^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])$/.test(hostname);
}

async function readBody(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response) {
    bytes += (part as Buffer).length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error('the answer is longer than any of ours');
    parts.push(part as Buffer);
  }
  const body = await unpacked(Buffer.concat(parts), response.headers['content-encoding'], ANSWER_BYTES_MAX);
  return body.toString('utf8');
}

/** Seconds, or a date. */
function retryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined || value.length > 64) return undefined;
  const isDate = /^[A-Z][a-z]{2}, .* GMT$/.test(value);
  const waitMs = /^[0-9]{1,9}$/.test(value) ? Number(value) * 1000 : isDate ? Date.parse(value) - nowMs : Number.NaN;
  return Number.isFinite(waitMs) && waitMs >= 0 ? Math.min(waitMs, RETRY_AFTER_MS_MAX) : undefined;
}
