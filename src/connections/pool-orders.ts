import type { Caller } from '#lib/extension-kit';
import type { Answer, ClientProfile, Era, JsonObject, McpNotification, Outcome, Question } from '#lib/mcp-protocol';
import type { ChangeFilter, RefusedResource, ServerProfile, UpstreamRequest } from '../upstream/index.js';

/** Message patterns of requests to the worker that owns a shared connection. */
export const PoolPattern = {
  open: 'pool.open',
  request: 'pool.request',
  answer: 'pool.answer',
  cancel: 'pool.cancel',
  notify: 'pool.notify',
  listen: 'pool.listen',
} as const;

/**
 * Lifetime of a connection lease without renewal, in milliseconds. Each worker renews its leases well before. A lease
 * whose release was lost, because Redis failed at that moment, expires after this time.
 */
export const LEASE_TTL_MS = 90_000;

/** Every order names a connection lease by `part`, a random text that the leasing worker draws. */
export interface LeaseOrder {
  readonly part: string;
}

/** Acquires or renews a lease. The exchange lasts as long as the lease does; its events are OpenEvents. */
export interface OpenOrder extends LeaseOrder {
  /** Slug of the server. */
  readonly server: string;
  readonly caller: Caller;
  readonly client: ClientProfile;
  /** The era in which a server that speaks both serves the client. */
  readonly clientEra?: Era;
  /** The account whose credentials the connection must have (`CredentialSource.accountOf`). Absent: the common one. */
  readonly account?: string;
}

export type OpenEvent =
  | { readonly kind: 'open'; readonly profile: ServerProfile }
  /** A message of the server that belongs to no call. */
  | { readonly kind: 'notification'; readonly notification: McpNotification }
  /** A question of the server that belongs to no call. `client`: the only client that can be meant. */
  | { readonly kind: 'question'; readonly id: number; readonly question: Question; readonly client?: string }
  /** The server no longer waits for that answer. */
  | { readonly kind: 'withdrawn'; readonly id: number };

/** Why the exchange ended: another exchange renewed the lease, or the connection was closed. */
export type LeaseEnd = { readonly over: 'renewed' } | { readonly over: 'closed' };

/** Sends one request over a leased connection. Events are RequestEvents; the exchange ends with its Outcome. */
export interface RequestOrder extends LeaseOrder {
  /** Random id of the call, which the answers to its questions refer to. */
  readonly call: string;
  readonly request: UpstreamRequest;
}

/** Events that precede an outcome. */
export type RequestEvent =
  | { readonly kind: 'opened'; readonly retryMs?: number }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'notification'; readonly notification: McpNotification }
  | { readonly kind: 'question'; readonly id: number; readonly question: Question }
  /** The gateway refused a question because the client did not declare these capabilities. */
  | { readonly kind: 'lacks'; readonly capabilities: JsonObject }
  /** The server no longer waits for that answer. */
  | { readonly kind: 'withdrawn'; readonly id: number };

/**
 * Answers a question: of a call, or without `call` one that belongs to no call. `answer` is missing when the client gave
 * none.
 */
export interface AnswerOrder extends LeaseOrder {
  readonly call?: string;
  readonly id: number;
  readonly answer?: Answer;
}

/** Cancels a call with its client's reason. */
export interface CancelOrder extends LeaseOrder {
  readonly call: string;
  readonly reason: string;
}

export interface NotifyOrder extends LeaseOrder {
  readonly notification: McpNotification;
}

/** Subscribes to changes for as long as the exchange lasts; its events are ListenEvents. */
export interface ListenOrder extends LeaseOrder {
  readonly filter: ChangeFilter;
}

export type ListenEvent =
  | { readonly kind: 'listening'; readonly honoured: ChangeFilter; readonly refused?: readonly RefusedResource[] }
  | { readonly kind: 'changed'; readonly notification: McpNotification };

/** The worker does not hold the connection (any more), and has run nothing. */
export interface NotHeldReply {
  readonly kind: 'not-held';
  /** The connection exists, but the question of another client blocks it. */
  readonly isBlocked?: true;
  /** Why the connection ended, such as a server that no longer knows its session. */
  readonly outcome?: Outcome;
}
