import type { Caller } from '#lib/extension-kit';
import type { Answer, ClientProfile, JsonObject, McpNotification, Question } from '#lib/mcp-protocol';
import type { ChangeFilter, RefusedResource, ServerProfile, UpstreamRequest } from '../upstream/index.js';

/** What a worker asks of the worker that has a connection for all of them. */
export const PoolPattern = {
  open: 'pool.open',
  request: 'pool.request',
  answer: 'pool.answer',
  notify: 'pool.notify',
  listen: 'pool.listen',
} as const;

/**
 * How long a part in a connection lasts without being renewed, ms. Each worker renews its parts well before. One whose
 * end was never told, because Redis failed at that moment, ends by this.
 */
export const LEASE_TTL_MS = 90_000;

/** Every order names the part in a connection that it concerns: a random text of the worker that has the part. */
export interface LeaseOrder {
  readonly part: string;
}

/** Takes part in a connection, or renews that. Lasts as long as the part does; events are OpenEvents. */
export interface OpenOrder extends LeaseOrder {
  /** Slug of the server. */
  readonly server: string;
  readonly caller: Caller;
  readonly client: ClientProfile;
}

export type OpenEvent =
  | { readonly kind: 'open'; readonly profile: ServerProfile }
  /** The server said it outside of any call. */
  | { readonly kind: 'notification'; readonly notification: McpNotification };

/** Why a part is over: another exchange renewed it, or the connection has ended. */
export type LeaseEnd = { readonly over: 'renewed' } | { readonly over: 'closed' };

/** Sends one request. Events are RequestEvents; the end is its Outcome. */
export interface RequestOrder extends LeaseOrder {
  /** Random name of the request, for the answers to its questions. */
  readonly call: string;
  readonly request: UpstreamRequest;
}

/** What precedes an outcome. */
export type RequestEvent =
  | { readonly kind: 'opened'; readonly retryMs?: number }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'notification'; readonly notification: McpNotification }
  | { readonly kind: 'question'; readonly id: number; readonly question: Question }
  /** A question was refused, which needs these capabilities of the client. */
  | { readonly kind: 'lacks'; readonly capabilities: JsonObject }
  /** The server no longer waits for that answer. */
  | { readonly kind: 'withdrawn'; readonly id: number };

/** Answers a question. Without an answer, the client gave none. */
export interface AnswerOrder extends LeaseOrder {
  readonly call: string;
  readonly id: number;
  readonly answer?: Answer;
}

export interface NotifyOrder extends LeaseOrder {
  readonly notification: McpNotification;
}

/** Subscribes to changes, as long as it lasts; events are ListenEvents. */
export interface ListenOrder extends LeaseOrder {
  readonly filter: ChangeFilter;
}

export type ListenEvent =
  | { readonly kind: 'listening'; readonly honoured: ChangeFilter; readonly refused?: readonly RefusedResource[] }
  | { readonly kind: 'changed'; readonly notification: McpNotification };

/** The worker has no such connection, or no more, and has run nothing. */
export interface NotHeldReply {
  readonly kind: 'not-held';
}
