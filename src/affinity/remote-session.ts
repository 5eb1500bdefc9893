import { OutcomeError } from '#lib/extension-kit';
import {
  GatewayCode,
  isJsonObject,
  type Answer,
  type ClientProfile,
  type LogLevel,
  type McpNotification,
  type Outcome,
  type RequestId,
} from '#lib/mcp-protocol';
import { LEAVING, type BusEnd, type BusExchange, type WorkerBus } from '#lib/worker-bus';
import type { StreamEvent, StreamSink } from '../session-pool/index.js';
import type { WatchedResource } from '../subscriptions/index.js';
import { SessionUnknown } from './affinity.errors.js';
import { OwnerUnreachable } from '../workers/index.js';
import type { UpstreamCall } from '../calls/index.js';
import { toConnectionOutcome } from '../connections/index.js';
import type { OpenedStream, SessionHandle } from './session-handle.js';
import {
  Refusal,
  SessionPattern,
  type SessionMovedReply,
  type SessionOrder,
  type StreamSignal,
  type ForwardedCall,
} from './session-orders.js';

/** Where a session lives, and what its owner must be told with every order. */
export interface RemoteRoute {
  readonly order: SessionOrder;
  /** Incarnation of the owner, or of the worker that it gave the session to. */
  readonly owner: string;
  readonly revision: string;
}

/** What a session at another worker needs beside the way there. */
export interface RemoteSessionPorts {
  readonly bus: WorkerBus;
  /** Where the session is when its owner does not answer: it may have left and given it away. */
  findNewOwner(): Promise<string | undefined>;
}

type OnEvent = (event: unknown) => void | Promise<void>;
type SentOrder = { readonly outcome: Promise<Outcome>; readonly cancel: () => void };

/** For everything that is not a call: the owner answers at once. */
const PROMPT_TIMEOUT_MS = 10_000;
/** A session that moves again while it is followed must come to rest at last. */
const MAX_HANDOFFS_FOLLOWED = 4;

const SESSION_UNKNOWN = { ...new SessionUnknown().toOutcome(), refused: true } as const;

/** A session that another worker owns: every order travels there. */
export class RemoteSession implements SessionHandle {
  readonly location = 'elsewhere';
  readonly client: ClientProfile;

  constructor(
    private readonly route: RemoteRoute,
    private readonly ports: RemoteSessionPorts,
  ) {
    this.client = { revision: route.revision, capabilities: {} };
  }

  get id(): string {
    return this.route.order.session;
  }

  call(call: UpstreamCall, sink: StreamSink): Promise<Outcome> {
    const onEvent = (event: unknown) => deliver(event as StreamEvent | StreamSignal, sink);
    // While a client thinks, time stands still at the owner, which alone knows of that: as it keeps the time of its own calls.
    return this.requestOwner(SessionPattern.call, { call: toForwardedCall(call) }, undefined, onEvent).outcome;
  }

  cancel(requestId: RequestId): Promise<void> {
    return this.sendOrder(SessionPattern.cancel, { requestId });
  }

  answer(id: RequestId, answer: Answer): Promise<void> {
    return this.sendOrder(SessionPattern.answer, { id, answer });
  }

  notify(notification: McpNotification): Promise<void> {
    return this.sendOrder(SessionPattern.notify, { notification });
  }

  touch(): Promise<void> {
    return this.sendOrder(SessionPattern.touch, {});
  }

  setLogLevel(level: LogLevel): Promise<void> {
    return this.sendOrder(SessionPattern.logLevel, { level });
  }

  subscribe({ server, own, uri }: WatchedResource): Promise<void> {
    const { connectMs, requestMs } = server.timeouts;
    return this.sendOrder(SessionPattern.watch, { resource: { server: server.slug, own, uri } }, connectMs + requestMs);
  }

  unsubscribe({ server, own, uri }: WatchedResource): Promise<void> {
    return this.sendOrder(SessionPattern.unwatch, { resource: { server: server.slug, own, uri } });
  }

  async openStream(sink: StreamSink, lastEventId?: string): Promise<OpenedStream> {
    const found = Promise.withResolvers<boolean>();
    const onEvent = (event: unknown) => {
      const heard = event as StreamEvent | StreamSignal;
      if (heard.kind === 'found') found.resolve(heard.standing);
      else return deliver(heard, sink);
      return undefined;
    };
    const { outcome, cancel } = this.requestOwner(SessionPattern.stream, { lastEventId }, undefined, onEvent);
    const opened = await Promise.race([found.promise, outcome]);
    // Nothing was written for a stream that was not found: its refusal has a status of its own.
    if (typeof opened !== 'boolean') throw toStreamError(opened);
    void outcome.then(() => sink.end());
    return { isServerStream: opened, detach: cancel };
  }

  end(): Promise<void> {
    return this.sendOrder(SessionPattern.end, {});
  }

  /** Has the owner do what only it can, under a pattern of its own. Rejects as the methods do. */
  sendOrder(pattern: string, payload: object, extraMs = 0): Promise<void> {
    return this.requestOwner(pattern, payload, PROMPT_TIMEOUT_MS + extraMs).outcome.then((outcome) => {
      if (outcome.kind === 'error') throw new OutcomeError(outcome);
    });
  }

  /** Follows the session where it went, as long as nothing has run. */
  private requestOwner(pattern: string, payload: object, budgetMs: number | undefined, onEvent?: OnEvent): SentOrder {
    const { order, owner } = this.route;
    let exchange: BusExchange;
    let isCancelled = false;
    const send = (to: string): void => {
      const what = { to, pattern, payload: { ...order, ...payload }, queue: order.session };
      exchange = this.ports.bus.request(budgetMs === undefined ? what : { ...what, budgetMs }, onEvent);
      if (isCancelled) exchange.cancel();
    };
    const follow = async (moves: number): Promise<Outcome> => {
      const end = await exchange.end;
      const heir = readNewOwner(end) ?? (await this.findNewOwnerAfter(end, isCancelled));
      if (heir !== undefined && moves < MAX_HANDOFFS_FOLLOWED) {
        send(heir);
        return follow(moves + 1);
      }
      if (heir !== undefined || isSessionUnknown(end)) return SESSION_UNKNOWN;
      const outcome = toConnectionOutcome(end);
      const hasNotRun = end.kind === 'not-executed' || end.kind === 'refused';
      return hasNotRun && outcome.kind === 'error' ? { ...outcome, refused: true } : outcome;
    };
    send(owner);
    const cancel = () => {
      isCancelled = true;
      exchange.cancel();
    };
    return { outcome: follow(0), cancel };
  }

  /** Nobody took the order, so it certainly did not run, and may be given to whoever has the session now. */
  private findNewOwnerAfter(end: BusEnd, isCancelled: boolean): Promise<string | undefined> {
    const isUnreachable = end.kind === 'not-executed' && end.cause === 'unreachable';
    const isLeaving = end.kind === 'refused' && end.reason === LEAVING;
    return (isUnreachable || isLeaving) && !isCancelled ? this.ports.findNewOwner() : Promise.resolve(undefined);
  }
}

/** Its owner says that the session lives elsewhere now, and the order has not run. */
function readNewOwner(end: BusEnd): string | undefined {
  if (end.kind === 'refused' && end.reason === Refusal.moved) return String(end.detail);
  const isMoved = end.kind === 'value' && isJsonObject(end.value) && end.value['kind'] === 'moved';
  return isMoved ? (end.value as unknown as SessionMovedReply).to : undefined;
}

/** Its owner does not know it any more, and has run nothing. */
function isSessionUnknown(end: BusEnd): boolean {
  if (end.kind === 'refused') return end.reason === Refusal.gone;
  return end.kind === 'value' && isJsonObject(end.value) && end.value['kind'] === 'gone';
}

function deliver(event: StreamEvent | StreamSignal, sink: StreamSink): void | Promise<void> {
  if (event.kind === 'found') return undefined;
  if (event.kind === 'ended') return sink.end();
  return sink.emit(event);
}

/** A stream that ended before it was found was refused: nothing ran. One that simply ended is over. */
function toStreamError(outcome: Outcome): Error {
  if (outcome.kind === 'result') return new SessionUnknown();
  return outcome.error.code === GatewayCode.outcomeUnknown ? new OwnerUnreachable() : new OutcomeError(outcome);
}

function toForwardedCall({ server, request, parameterHeaders, requestId, silent }: UpstreamCall): ForwardedCall {
  return {
    server: server.slug,
    request,
    requestId,
    ...(parameterHeaders && { parameterHeaders }),
    ...(silent && { silent }),
  };
}
