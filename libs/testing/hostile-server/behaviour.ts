import type { JsonObject, JsonValue } from '#lib/mcp-protocol';

/** How a hostile server speaks: era and transport. */
export const CARRIERS = ['legacy-http', 'modern-http', 'sse', 'stdio-legacy', 'stdio-modern'] as const;
export type Carrier = (typeof CARRIERS)[number];

/** Carriers where an HTTP response stands for the answer to one request. */
export const POST_CARRIERS = ['legacy-http', 'modern-http'] as const satisfies readonly Carrier[];
/** Carriers where the server may refuse the message with an HTTP status. */
export const HTTP_CARRIERS = ['legacy-http', 'modern-http', 'sse'] as const satisfies readonly Carrier[];
/** Carriers where answers of many requests share one channel. */
export const CHANNEL_CARRIERS = ['sse', 'stdio-legacy', 'stdio-modern'] as const satisfies readonly Carrier[];

export type MessageId = string | number;

/** Text or raw bytes made for the request with this id. */
export type Frame = (id: MessageId) => string | Uint8Array;

/** One step of a scripted stream. `ask` sends a question and answers with the reply that came back to it. */
export type Step =
  | { readonly event: Frame; readonly eventId?: string; readonly retryMs?: number }
  | { readonly ask: string; readonly params: JsonObject }
  | 'end'
  | 'reset'
  | 'hang'
  | 'flood';

/** What the server does instead of answering. */
export type Act =
  | {
      readonly kind: 'http';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body: Frame;
    }
  /** One message where the answer belongs: JSON body, event on the session's stream, line on stdout. */
  | { readonly kind: 'message'; readonly frame: Frame }
  /** An event stream. `resumed` is what a later GET with Last-Event-ID finds, one script per GET. */
  | { readonly kind: 'stream'; readonly steps: readonly Step[]; readonly resumed?: readonly (readonly Step[])[] }
  | { readonly kind: 'redirect'; readonly status: number; readonly to: 'same-origin' | 'other-origin' }
  | { readonly kind: 'connection'; readonly fault: ConnectionFault }
  /** Drops the session and answers like a server that was restarted. */
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
  /** Texts that the answer must not contain anywhere. */
  readonly never?: readonly string[];
  /** What clients of the modern era are told in place of it. */
  readonly toModern?: ExpectedError;
}

/** The server recovered, or did nothing that a client could tell from good service. */
export interface ExpectedResult {
  readonly kind: 'result';
  readonly text: string;
}

export type Expectation = ExpectedError | ExpectedResult;

/** One way to be hostile: the tool of that name behaves so. */
export interface Behaviour {
  readonly name: string;
  readonly act: Act;
  readonly carriers: readonly Carrier[];
  readonly expect: Expectation;
  /** Where a carrier makes a difference. */
  readonly expectOn?: Partial<Readonly<Record<Carrier, Expectation>>>;
  /** Carriers on which the upstream session does not outlive the call. */
  readonly endsSession?: readonly Carrier[];
  /** Carriers on which nothing tells the gateway before its request timeout. */
  readonly untilTimeout?: readonly Carrier[];
}

export const expectationOf = (behaviour: Behaviour, carrier: Carrier): Expectation =>
  behaviour.expectOn?.[carrier] ?? behaviour.expect;

export const json = (value: unknown): string => JSON.stringify(value);

export const resultFrame = (id: MessageId, text: string): string =>
  json({ jsonrpc: '2.0', id, result: { resultType: 'complete', content: [{ type: 'text', text }] } });
