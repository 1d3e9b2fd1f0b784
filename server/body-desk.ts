// Which requests are read in the thread for bodies: larger ones of hosts that send as collectors do. What turns out to be anything else
// is read as it would have been without (bulk-reader.ts), and for a while its sender is not tried again. What is held is reserved first.
import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { Account } from '../store/state/state-port.ts';
import { documentsOfBody } from './body-scan.ts';
import type { BodyThread } from './body-thread.ts';
import { type BulkDocument, NoRoom } from './bulk-reader.ts';
import { type BodySource, unpackedBytes } from './bulk-stream.ts';

/** Smaller ones are read faster than they are told of. */
const WIRE_BYTES_LEAST: number = 4 * 1024;
const WIRE_BYTES_MAX: number = 4 * 1024 * 1024;
/** Larger ones, unpacked, would hold the thread up for the others. */
const BODY_BYTES_MAX: number = 16 * 1024 * 1024;
/** So many requests of a sender are not tried after one that was not as collectors send it. */
const UNTRIED = 64;

/** Bytes of a request that its ingest accounts for. */
export interface Room {
  /** False where there is none for so many more. */
  reserve(bytes: number): boolean;
  giveBack(bytes: number): void;
}

type TakenBody =
  | {
      readonly kind: 'read';
      readonly documents: readonly BulkDocument[];
      /** Frees the memory that the documents stand in, once nobody looks at them any more. */
      readonly release: () => void;
    }
  /** Still to be read. */
  | { readonly kind: 'unread'; readonly body: BodySource };

export interface BodyDesk {
  /** Throws {@link NoRoom}, and what the connection throws. */
  take(request: { readonly account: Account; readonly body: BodySource }, room: Room): Promise<TakenBody>;
}

export function createBodyDesk(thread: Pick<BodyThread, 'read'>): BodyDesk {
  /** By host, how many requests are not to be tried. */
  const untried = new Map<string, number>();

  const isToTry = ({ id, role }: Account, headers: IncomingHttpHeaders): boolean => {
    const length = Number(headers['content-length'] ?? 0);
    if (role !== 'host' || !(length >= WIRE_BYTES_LEAST && length <= WIRE_BYTES_MAX)) return false;
    const left = (untried.get(id) ?? 0) - 1;
    if (left > 0) untried.set(id, left);
    else untried.delete(id);
    return left < 0;
  };

  return {
    async take({ account, body }, { reserve, giveBack }) {
      const { headers } = body;
      if (!isToTry(account, headers)) return { kind: 'unread', body };
      const encoding = (headers['content-encoding'] ?? 'identity').toLowerCase();
      const chunks: Buffer[] = [];
      let reserved = 0;
      const hold = (bytes: number): void => {
        if (!reserve(bytes)) throw new NoRoom();
        reserved += bytes;
      };
      try {
        for await (const chunk of body.iterator({ destroyOnReturn: false })) {
          hold((chunk as Buffer).length);
          chunks.push(chunk as Buffer);
        }
      } finally {
        body.resume();
      }
      const whole = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      const bytesMax = unpackedBytes(whole, encoding, BODY_BYTES_MAX);
      if (bytesMax <= BODY_BYTES_MAX) {
        hold(bytesMax);
        const scanned = await thread.read(whole, encoding, bytesMax);
        if (scanned !== undefined) {
          giveBack(reserved - scanned.bytes.length);
          return { kind: 'read', documents: documentsOfBody(scanned), release: () => free(scanned.bytes) };
        }
        untried.set(account.id, UNTRIED);
      }
      giveBack(reserved);
      return { kind: 'unread', body: Object.assign(Readable.from([whole]), { headers }) };
    },
  };
}

/** At once: left to V8, each 64 MiB of it would have the whole heap collected. */
function free({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
