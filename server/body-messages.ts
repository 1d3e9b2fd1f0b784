// What ingest and the thread that reads bodies for it say to each other.

export interface BodyQuestion {
  readonly number: number;
  /** As it was sent. */
  readonly body: Uint8Array;
  /** Its Content-Encoding, in small letters. */
  readonly encoding: string;
  /** It may unpack to so many bytes. */
  readonly bytesMax: number;
}

/** `undefined`: it is not what collectors send, or unpacks to more, or cannot be unpacked. */
export interface BodyAnswer {
  readonly number: number;
  readonly scanned:
    | {
        readonly bytes: Uint8Array;
        readonly events: number;
        readonly wholes: Int32Array;
        readonly times: Float64Array;
      }
    | undefined;
}
