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
import type { Clock } from '#lib/time';
import { LEAVING_REASON, type BusEnd, type BusExchange, type WorkerBus } from '#lib/worker-bus';
import type { ServerDefinition } from '../registry/index.js';
import type { StreamEvent, StreamSink } from '../session-pool/index.js';
import type { SubscribedResource } from '../subscriptions/index.js';
import { SessionUnknown } from './affinity.errors.js';
import type { CallProgress } from '../telemetry/index.js';
import { OwnerUnreachable, withRequestId } from '../workers/index.js';
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

/** Where a session is owned, and what identifies the session in every order. */
export interface RemoteRoute {
  readonly order: SessionOrder;
  /** Id of the owner, or of the worker that the owner handed the session off to. */
  readonly owner: string;
  readonly revision: string;
}

/** The ports that a remote session needs. */
export interface RemoteSessionPorts {
  readonly bus: WorkerBus;
  readonly clock: Clock;
  /**
   * Returns the new owner of the session, for the case that its owner is unreachable: the owner may have drained and
   * handed it off.
   */
  findNewOwner(): Promise<string | undefined>;
}

type OnEvent = (event: unknown) => void | Promise<void>;
type SentOrder = { readonly outcome: Promise<Outcome>; readonly cancel: () => void };

/** Timeout of orders that are not calls; the owner answers these immediately. */
const PROMPT_TIMEOUT_MS = 10_000;
/** Maximum number of consecutive handoffs that one order follows. */
const MAX_HANDOFFS_FOLLOWED = 4;
/** How long an answer that the owner has certainly not received is sent again. */
const ANSWER_RETRY_TIMEOUT_MS = 3_000;
const ANSWER_RETRY_INTERVAL_MS = 100;

const SESSION_UNKNOWN = { ...new SessionUnknown().toOutcome(), refused: true } as const;

/** A session that another worker owns. Forwards every order to that worker. */
export class RemoteSession implements SessionHandle {
  readonly location = 'remote';
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
    // The call timeout is paused while the client answers a question. Only the owner can measure that time, so the
    // order has no budget here.
    const payload = { call: toForwardedCall(call) };
    return this.requestOwner(SessionPattern.call, payload, undefined, onEvent, call.progress).outcome;
  }

  cancel(requestId: RequestId, reason?: string): Promise<void> {
    return this.sendOrder(SessionPattern.cancel, { requestId, ...(reason !== undefined && { reason }) });
  }

  /** Repeats the order while it has certainly not run: clients send an answer once, and without it their call never ends. */
  async answer(id: RequestId, answer: Answer): Promise<void> {
    const { clock } = this.ports;
    const giveUpAt = clock.monotonicNow() + ANSWER_RETRY_TIMEOUT_MS;
    for (;;) {
      const { outcome } = this.requestOwner(SessionPattern.answer, { id, answer }, PROMPT_TIMEOUT_MS);
      const end = await outcome;
      if (end.kind === 'result') return;
      const isUndelivered = end.refused === true && end.httpStatus === 503;
      if (!isUndelivered || clock.monotonicNow() >= giveUpAt) throw new OutcomeError(end);
      await clock.sleep(ANSWER_RETRY_INTERVAL_MS);
    }
  }

  notify(notification: McpNotification, server?: ServerDefinition): Promise<void> {
    if (server === undefined) return this.sendOrder(SessionPattern.notify, { notification });
    const { connectMs } = server.timeouts;
    return this.sendOrder(SessionPattern.notify, { notification, server: server.slug }, connectMs);
  }

  touch(): Promise<void> {
    return this.sendOrder(SessionPattern.touch, {});
  }

  setLogLevel(level: LogLevel): Promise<void> {
    return this.sendOrder(SessionPattern.logLevel, { level });
  }

  subscribe({ server, own, uri }: SubscribedResource): Promise<void> {
    const { connectMs, requestMs } = server.timeouts;
    return this.sendOrder(SessionPattern.watch, { resource: { server: server.slug, own, uri } }, connectMs + requestMs);
  }

  unsubscribe({ server, own, uri }: SubscribedResource): Promise<void> {
    const { requestMs } = server.timeouts;
    return this.sendOrder(SessionPattern.unwatch, { resource: { server: server.slug, own, uri } }, requestMs);
  }

  async openStream(sink: StreamSink, lastEventId?: string): Promise<OpenedStream> {
    const found = Promise.withResolvers<boolean>();
    const onEvent = (event: unknown) => {
      const received = event as StreamEvent | StreamSignal;
      if (received.kind === 'found') found.resolve(received.standing);
      else return deliver(received, sink);
      return undefined;
    };
    const { outcome, cancel } = this.requestOwner(SessionPattern.stream, { lastEventId }, undefined, onEvent);
    const opened = await Promise.race([found.promise, outcome]);
    // No byte of the response has been written for a stream that was not found, so its refusal can have its own HTTP
    // status.
    if (typeof opened !== 'boolean') throw toStreamError(opened);
    void outcome.then(() => sink.end());
    return { isServerStream: opened, detach: cancel };
  }

  end(): Promise<void> {
    return this.sendOrder(SessionPattern.end, {});
  }

  /** Sends an order with a pattern of another module to the owner. Rejects as the other methods do. */
  sendOrder(pattern: string, payload: object, extraMs = 0): Promise<void> {
    return this.requestOwner(pattern, payload, PROMPT_TIMEOUT_MS + extraMs).outcome.then((outcome) => {
      if (outcome.kind === 'error') throw new OutcomeError(outcome);
    });
  }

  /** Sends an order to the owner and follows handoffs, as long as the order has certainly not run (invariant 2). */
  private requestOwner(
    pattern: string,
    payload: object,
    budgetMs: number | undefined,
    onEvent?: OnEvent,
    progress?: CallProgress,
  ): SentOrder {
    const { order, owner } = this.route;
    let exchange: BusExchange;
    let isCancelled = false;
    const send = (to: string): void => {
      const message = { to, pattern, payload: { ...order, ...payload }, queue: order.session };
      if (progress) progress.forwardedTo = to;
      exchange = this.ports.bus.request(budgetMs === undefined ? message : { ...message, budgetMs }, onEvent);
      if (isCancelled) exchange.cancel();
    };
    const follow = async (handoffs: number): Promise<Outcome> => {
      const end = await exchange.end;
      const newOwner = readNewOwner(end) ?? (await this.findNewOwnerAfter(end, isCancelled));
      if (newOwner !== undefined && handoffs < MAX_HANDOFFS_FOLLOWED) {
        send(newOwner);
        return follow(handoffs + 1);
      }
      if (newOwner !== undefined || isSessionUnknown(end)) return SESSION_UNKNOWN;
      if (end.kind === 'value') progress?.addReport(readReport(end.value));
      const outcome = withRequestId(toConnectionOutcome(end), exchange.request);
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

  /** No worker accepted the order, so it has certainly not run and may be sent to the new owner. */
  private findNewOwnerAfter(end: BusEnd, isCancelled: boolean): Promise<string | undefined> {
    const isUnreachable = end.kind === 'not-executed' && end.cause === 'unreachable';
    const isLeaving = end.kind === 'refused' && end.reason === LEAVING_REASON;
    return (isUnreachable || isLeaving) && !isCancelled ? this.ports.findNewOwner() : Promise.resolve(undefined);
  }
}

/** Returns the new owner when the previous owner replied that it handed the session off and has not run the order. */
function readNewOwner(end: BusEnd): string | undefined {
  if (end.kind === 'refused' && end.reason === Refusal.moved) return String(end.detail);
  const isMoved = end.kind === 'value' && isJsonObject(end.value) && end.value['kind'] === 'moved';
  return isMoved ? (end.value as unknown as SessionMovedReply).to : undefined;
}

/** Returns true when the owner does not know the session (any more) and has run nothing. */
function isSessionUnknown(end: BusEnd): boolean {
  if (end.kind === 'refused') return end.reason === Refusal.gone;
  return end.kind === 'value' && isJsonObject(end.value) && end.value['kind'] === 'gone';
}

function deliver(event: StreamEvent | StreamSignal, sink: StreamSink): void | Promise<void> {
  if (event.kind === 'found') return undefined;
  if (event.kind === 'ended') return sink.end();
  return sink.emit(event);
}

/**
 * A stream that ended before it was found was refused, and nothing ran. A stream that ended with a result belongs to an
 * ended session.
 */
/** The owner's report on a call, which `toConnectionOutcome` drops. */
const readReport = (value: unknown): unknown => (isJsonObject(value) ? value['progress'] : undefined);

function toStreamError(outcome: Outcome): Error {
  if (outcome.kind === 'result') return new SessionUnknown();
  return outcome.error.code === GatewayCode.outcomeUnknown ? new OwnerUnreachable() : new OutcomeError(outcome);
}

function toForwardedCall(call: UpstreamCall): ForwardedCall {
  const { server, request, parameterHeaders, requestId, silent, usesTasks } = call;
  return {
    server: server.slug,
    request,
    requestId,
    ...(parameterHeaders && { parameterHeaders }),
    ...(silent && { silent }),
    ...(usesTasks && { usesTasks }),
  };
}
