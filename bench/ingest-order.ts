// What the ingest benchmark and its sending thread say to each other.

export const HOST = 'bench-host';
export const BOOT = 'bbbbbbbb-0000-0000-0000-000000000000';

export interface SendOrder {
  readonly url: string;
  /** Each sends a request after the other, as a collector does, in four connections where there is only one. */
  readonly hosts: readonly { readonly id: string; readonly token: string }[];
  readonly count: number;
  readonly eventsPerSecond: number | undefined;
}

export interface SendReport {
  readonly bytes: number;
  /** From the first request to the last answer. */
  readonly ms: number;
  /** Requests that were answered 429 and sent again. */
  readonly refusals: number;
  /** The sender's own CPU while it sent, µs an event. */
  readonly cpuUs: number;
  /** CPU of one JSON.parse of an event, µs. */
  readonly parseUs: number;
}
