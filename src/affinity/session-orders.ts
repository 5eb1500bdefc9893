import type { Caller } from '#lib/extension-kit';
import type { Answer, LogLevel, McpNotification, RequestId } from '#lib/mcp-protocol';
import type { UpstreamCall } from '../calls/index.js';

/** What a worker asks of the worker that owns a session. */
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

/** Every order about a session names it, and on whose behalf it is given: the owner checks both. */
export interface SessionOrder {
  readonly session: string;
  readonly caller: Caller;
  /** Id of the endpoint that the session is bound to. */
  readonly endpoint: string;
}

/** A call as it travels: the server by its slug, everything of the session's own left to the owner. */
export interface ForwardedCall extends Omit<UpstreamCall, 'server' | 'caller' | 'client' | 'clientRepeatsCall'> {
  readonly server: string;
}

/** A resource as it travels. */
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
}

export interface AnswerOrder extends SessionOrder {
  readonly id: RequestId;
  readonly answer: Answer;
}

export interface NotifyOrder extends SessionOrder {
  readonly notification: McpNotification;
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

/** A worker that leaves gives a session away. */
export interface AdoptOrder {
  /** Closed for the worker that it is for. */
  readonly heritage: string;
}

/** What comes back of a stream, beside the events of the session's own. */
export type StreamSignal =
  /** The stream was found. `standing`: it belongs to no request. */
  | { readonly kind: 'found'; readonly standing: boolean }
  /** Nothing more comes over this connection. */
  | { readonly kind: 'ended' };

/** The owner gave the session to another worker, and has run nothing. */
export interface SessionMovedReply {
  readonly kind: 'moved';
  /** Incarnation of the heir. */
  readonly to: string;
}

/** The worker does not know the session, or no more, and has run nothing. */
export interface SessionUnknownReply {
  readonly kind: 'gone';
}

/** Reasons of refusals before anything ran. */
export const Refusal = { gone: 'session_gone', moved: 'session_moved' } as const;
