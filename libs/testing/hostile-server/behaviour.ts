import type { JsonObject, JsonValue } from '#lib/mcp-protocol';

/** Era and transport of a hostile server. */
export const CARRIERS = ['legacy-http', 'modern-http', 'sse', 'stdio-legacy', 'stdio-modern'] as const;
export type Carrier = (typeof CARRIERS)[number];

/** Carriers on which the answer to a request is the response to its POST. */
export const POST_CARRIERS = ['legacy-http', 'modern-http'] as const satisfies readonly Carrier[];
/** Carriers on which the server can reject a message with an HTTP status. */
export const HTTP_CARRIERS = ['legacy-http', 'modern-http', 'sse'] as const satisfies readonly Carrier[];
/** Carriers on which the answers to many requests share one channel. */
export const CHANNEL_CARRIERS = ['sse', 'stdio-legacy', 'stdio-modern'] as const satisfies readonly Carrier[];

export type MessageId = string | number;

/** Builds text or raw bytes for the request with this id. */
export type Frame = (id: MessageId) => string | Uint8Array;

/**
 * One step of a scripted stream. `ask` sends a question and then answers the request with the reply to that question.
 */
export type Step =
  | { readonly event: Frame; readonly eventId?: string; readonly retryMs?: number }
  | { readonly ask: string; readonly params: JsonObject }
  | 'end'
  | 'reset'
  | 'hang'
  | 'flood'
  | 'comments';

/** What the server does in place of a regular answer. */
export type Act =
  | {
      readonly kind: 'http';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body: Frame;
    }
  /** One message in place of the answer: a JSON body, an event on the session's stream, or a line on stdout. */
  | { readonly kind: 'message'; readonly frame: Frame }
  /** An event stream. `resumed` holds one script for each later GET with Last-Event-ID. */
  | { readonly kind: 'stream'; readonly steps: readonly Step[]; readonly resumed?: readonly (readonly Step[])[] }
  | { readonly kind: 'redirect'; readonly status: number; readonly to: 'same-origin' | 'other-origin' }
  | { readonly kind: 'connection'; readonly fault: ConnectionFault }
  /** Drops the session and answers like a restarted server. */
  | { readonly kind: 'forget' };

/** reset: RST without a byte; garbage: not HTTP; short: fewer bytes than announced; big and endless: too many. */
export type ConnectionFault = 'reset' | 'garbage' | 'short' | 'big' | 'endless' | 'silence';

export interface ExpectedError {
  readonly kind: 'error';
  readonly code: number;
  /** The whole message, or a pattern of it. Absent: any message. */
  readonly message?: string | RegExp;
  /** Members of `data` that must be there; a pattern stands for any string that it matches. */
  readonly data?: Readonly<Record<string, JsonValue | RegExp>>;
  /** Members that `data` must not have. */
  readonly withoutData?: readonly string[];
  /** Texts that the answer must not contain anywhere. */
  readonly never?: readonly string[];
  /** The error that modern clients receive instead. */
  readonly toModern?: ExpectedError;
  /** How often the call arrives at the server, because the first refusal shows that it did not run. Default: once. */
  readonly arrivals?: number;
}

/** The call succeeds for the client. */
export interface ExpectedResult {
  readonly kind: 'result';
  readonly text: string;
}

export type Expectation = ExpectedError | ExpectedResult;

/** One hostile behaviour, shown by the tool of the same name. */
export interface Behaviour {
  readonly name: string;
  readonly act: Act;
  readonly carriers: readonly Carrier[];
  readonly expect: Expectation;
  /** Expectations that differ by carrier. */
  readonly expectOn?: Partial<Readonly<Record<Carrier, Expectation>>>;
  /** Carriers on which the behaviour ends the upstream session. */
  readonly endsSession?: readonly Carrier[];
  /** Carriers on which the gateway detects the behaviour only by its request timeout. */
  readonly untilTimeout?: readonly Carrier[];
}

export const expectationOf = (behaviour: Behaviour, carrier: Carrier): Expectation =>
  behaviour.expectOn?.[carrier] ?? behaviour.expect;

/** How often a call with the behaviour arrives at the server. */
export function arrivalsOf(behaviour: Behaviour, carrier: Carrier): number {
  const expected = expectationOf(behaviour, carrier);
  return expected.kind === 'error' ? (expected.arrivals ?? 1) : 1;
}

export const json = (value: unknown): string => JSON.stringify(value);

export const resultFrame = (id: MessageId, text: string): string =>
  json({ jsonrpc: '2.0', id, result: { resultType: 'complete', content: [{ type: 'text', text }] } });
