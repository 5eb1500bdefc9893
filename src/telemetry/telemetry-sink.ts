import type { Caller, CallRecord } from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';

/** The HTTP request that a request of a client arrived in. */
export interface CallSource {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** IP address of the client. Undefined: the connection has none. */
  readonly address: string | undefined;
}

/**
 * What a record is made from, for the sink that keeps accounts of callers: references, which cost a call nothing. It contains
 * what a record must not, so a sink names what it uses.
 */
export interface CallOrigin {
  /** Undefined: the request was refused before its caller was known. */
  readonly caller: Caller | undefined;
  /** Undefined: the request was refused before dispatch. */
  readonly source: CallSource | undefined;
  /** Parameters of the request. Undefined: it has none, or its body was not read. */
  readonly params: JsonObject | undefined;
}

/** Receives every record with its origin. An exception of a sink is logged and reaches no other sink and no call. */
export abstract class TelemetrySink {
  /** Must not block: it runs in the event-loop turn in which the client is answered. */
  abstract record(record: CallRecord, origin: CallOrigin): void;
}
