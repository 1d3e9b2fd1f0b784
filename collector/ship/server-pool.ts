// Several servers of one store as one: all goes to the same one until it fails (no connection, no answer, 5xx), then to the
// next. A server that failed rests, longer each time. The first one is the preferred one: after a while it is tried again.
import type { HttpAnswer, HttpClient, HttpRequest } from './http-client.ts';

export const REST_MS_LEAST = 1_000;
export const REST_MS_MAX = 60_000;
/** Away from the first server for so long, it is tried again, ms. */
export const RETURN_AFTER_MS = 300_000;

interface Server {
  readonly client: HttpClient;
  failures: number;
  restsUntilMs: number;
}

/** `onMove`: requests go to another server now (counted from 1). */
export function createServerPool(
  clients: readonly HttpClient[],
  options: { readonly now: () => number; readonly onMove: (server: number) => void },
): HttpClient {
  const { now, onMove } = options;
  const servers: readonly Server[] = clients.map((client) => ({ client, failures: 0, restsUntilMs: 0 }));
  let current = 0;
  let leftFirstMs = 0;

  function moveTo(index: number): void {
    if (index === current) return;
    if (current === 0) leftFirstMs = now();
    current = index;
    onMove(index + 1);
  }

  /** No rest is longer than the longest: where it seems so, the clock was set back. */
  function rests(index: number): boolean {
    const leftMs = (servers[index] as Server).restsUntilMs - now();
    return leftMs > 0 && leftMs <= REST_MS_MAX;
  }

  /** The next one that does not rest, else the one whose rest ends first. */
  function next(): number {
    const order = servers.map((_, step) => (current + 1 + step) % servers.length);
    const rested = order.find((index) => !rests(index));
    if (rested !== undefined) return rested;
    const until = (index: number): number => (servers[index] as Server).restsUntilMs;
    return order.reduce((best, index) => (until(index) < until(best) ? index : best), current);
  }

  return {
    async post(request: HttpRequest): Promise<HttpAnswer> {
      const awayMs = now() - leftFirstMs;
      if (current !== 0 && (awayMs >= RETURN_AFTER_MS || awayMs < 0)) {
        leftFirstMs = now();
        current = 0;
      }
      const server = servers[current] as Server;
      const answer = await server.client.post(request);
      if (!hasFailed(answer)) {
        server.failures = 0;
        return answer;
      }
      server.restsUntilMs = now() + Math.min(REST_MS_MAX, REST_MS_LEAST * 2 ** Math.min(server.failures, 10));
      server.failures += 1;
      moveTo(next());
      return { ...answer, hasOther: !rests(current) };
    },
    close() {
      for (const { client } of servers) client.close();
    },
  };
}

function hasFailed(answer: HttpAnswer): boolean {
  return answer.kind === 'unreachable' || answer.status >= 500;
}
