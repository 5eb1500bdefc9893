import type { Caller } from '#lib/extension-kit';
import type { Answer, LogLevel, McpNotification, RequestId } from '#lib/mcp-protocol';
import type { UpstreamCall } from '../calls/index.js';

/** Message patterns of requests to the worker that owns a session. */
export const SessionPattern = {
  call: 'session.call',
  cancel: 'session.cancel',
  answer: 'session.answer',
  notify: 'session.notify',
  touch: 'session.touch',
  logLevel: 'session.log-level',
  watch: 'session.watch',
  unwatch: 'session.unwatch',
  stream: 'session.stream',
  end: 'session.end',
  adopt: 'session.adopt',
} as const;

/** Every order names the session and the caller; the owner validates both. */
export interface SessionOrder {
  readonly session: string;
  readonly caller: Caller;
  /** Id of the endpoint that the session is bound to. */
  readonly endpoint: string;
}

/** A call as it is forwarded: the server by its slug, and without what the owner reads from the session. */
export interface ForwardedCall extends Omit<UpstreamCall, 'server' | 'caller' | 'client' | 'clientRepeatsCall'> {
  readonly server: string;
}

/** A resource as it is forwarded. */
export interface ForwardedResource {
  readonly server: string;
  readonly own: string;
  readonly uri: string;
}

export interface CallOrder extends SessionOrder {
  readonly call: ForwardedCall;
}

export interface CancelOrder extends SessionOrder {
  readonly requestId: RequestId;
  /** The client's reason. */
  readonly reason?: string;
}

export interface AnswerOrder extends SessionOrder {
  readonly id: RequestId;
  readonly answer: Answer;
}

export interface NotifyOrder extends SessionOrder {
  readonly notification: McpNotification;
  /** Slug of the only server that receives it. Absent: all servers of the session. */
  readonly server?: string;
}

export interface LogLevelOrder extends SessionOrder {
  readonly level: LogLevel;
}

export interface SubscribeOrder extends SessionOrder {
  readonly resource: ForwardedResource;
}

export interface StreamOrder extends SessionOrder {
  readonly lastEventId?: string;
}

/** Hands a session off to the receiving worker. */
export interface AdoptOrder {
  /** The handoff payload, encrypted for the receiving worker. */
  readonly payload: string;
}

/** Stream events that the owner adds to the events of the session. */
export type StreamSignal =
  /** The stream was found. `standing`: it is the server stream, which belongs to no request. */
  | { readonly kind: 'found'; readonly standing: boolean }
  /** No further event follows on this connection. */
  | { readonly kind: 'ended' };

/** The owner handed the session off and has not run the order. */
export interface SessionMovedReply {
  readonly kind: 'moved';
  /** Id of the new owner. */
  readonly to: string;
}

/** The worker does not know the session (any more) and has not run the order. */
export interface SessionUnknownReply {
  readonly kind: 'gone';
}

/** Reasons of refusals before an order is claimed; nothing has run. */
export const Refusal = { gone: 'session_gone', moved: 'session_moved' } as const;
