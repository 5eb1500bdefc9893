import {
  isJsonObject,
  RpcCode,
  type Answer,
  type JsonValue,
  type McpNotification,
  type Question,
} from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import type { ProgressReceiver } from './pending-questions.js';
import type { PrincipalTotals } from './principal-totals.js';
import { mayReceive, type SessionAccess, type SessionViewer } from './session-access.js';
import type { SessionStream } from './session-stream.js';

/** Maximum number of notifications that wait for the first server stream of a client. */
const MAX_HELD_NOTIFICATIONS = 256;
/** Maximum size of these notifications together, in characters of their JSON. */
const MAX_HELD_CHARACTERS = 262_144;
/** The same for all sessions of a principal on this worker together. */
const MAX_HELD_CHARACTERS_PER_PRINCIPAL = 16_777_216;
/**
 * How long a question that belongs to no request waits for a server stream once the handshake was answered, in milliseconds.
 * Clients open it right after the handshake, and again at once when it was closed.
 */
const STREAM_TIMEOUT_MS = 10_000;

/** How long the handoff of a session without calls waits for the answers to such questions, in milliseconds. */
const LEAVING_TIMEOUT_MS = 5_000;

/** Maximum number of questions of servers that wait for the client's stream or answer at a time. */
const MAX_OPEN_QUESTIONS = 16;

/** A notification that waits for the first server stream. `server`: the slug of the server that sent it. */
export interface HeldNotification {
  readonly server?: string;
  readonly notification: McpNotification;
}

/** The session, as far as messages that belong to no request need it. */
export interface UnsolicitedReceiver extends SessionViewer {
  readonly access: SessionAccess;
  readonly held: PrincipalTotals;
  readonly serverStream: SessionStream | undefined;
  readonly connecting: Promise<void> | undefined;
  readonly callStream: SessionStream | undefined;
  readonly callsInFlight: number;
  sendQuestion(
    question: Question,
    stream: SessionStream,
    signal: AbortSignal,
    server?: ProgressReceiver,
  ): Promise<Answer>;
  onEnd(listener: () => void): () => void;
}

/**
 * What servers send to a session outside any request: notifications are held until the client has opened its first server
 * stream, and the oldest are dropped beyond the bounds; questions wait for a while until the client is connected.
 */
export class UnsolicitedMessages {
  /** The open questions, each with what withdraws it. */
  private readonly open = new Set<AbortController>();
  private isLeaving = false;
  private cancelWithdrawal: (() => void) | undefined;
  private held: (HeldNotification & { readonly size: number })[] = [];
  private heldCharacters = 0;
  private waiters: Set<(stream: SessionStream) => void> | undefined;
  /** True once the client can receive such messages. Over HTTP+SSE the server stream opens before the handshake. */
  private isInitialized: boolean;

  /** @param onSettled called when a question is settled */
  constructor(
    private readonly session: UnsolicitedReceiver,
    private readonly clock: Clock,
    private readonly onSettled: () => void,
  ) {
    this.isInitialized = !session.start.answersOnServerStream;
    session.onEnd(() => {
      this.take();
      this.cancelWithdrawal?.();
    });
  }

  /** True while a question waits for a stream or for its answer. */
  get hasOpenQuestion(): boolean {
    return this.open.size > 0;
  }

  /** Sends a notification, or holds it. */
  notify(notification: McpNotification, server: string | undefined): void {
    const { serverStream } = this.session;
    if (serverStream && this.isInitialized) void serverStream.emit({ kind: 'notification', notification });
    else this.hold(notification, server);
  }

  /** @param server the slug of the server that sent it, if one did */
  hold(notification: McpNotification, server: string | undefined): void {
    const size = JSON.stringify(notification).length;
    this.held.push({ notification, size, ...(server !== undefined && { server }) });
    this.count(size);
    while (this.holdsTooMuch) this.count(-(this.held.shift()?.size ?? 0));
  }

  private get holdsTooMuch(): boolean {
    if (this.held.length > MAX_HELD_NOTIFICATIONS || this.heldCharacters > MAX_HELD_CHARACTERS) return true;
    return this.held.length > 0 && this.session.held.of(this.principal) > MAX_HELD_CHARACTERS_PER_PRINCIPAL;
  }

  private count(characters: number): void {
    this.heldCharacters += characters;
    this.session.held.add(this.principal, characters);
  }

  private get principal(): string {
    return this.session.start.caller.key;
  }

  /**
   * Sends a question and waits for the answer, which is an error if the client opens no stream soon, or at the limit. Rejects as
   * `Session.sendQuestion` does. The end of the session withdraws the question.
   */
  async ask(question: Question, signal: AbortSignal, server?: ProgressReceiver): Promise<Answer> {
    if (this.isLeaving && this.session.callsInFlight === 0) return LEAVING;
    if (this.open.size >= MAX_OPEN_QUESTIONS) return TOO_MANY;
    const ending = new AbortController();
    const removeListener = this.session.onEnd(() => ending.abort());
    const either = AbortSignal.any([signal, ending.signal]);
    this.open.add(ending);
    try {
      const stream = await this.whenAttached(either);
      return stream ? await this.session.sendQuestion(question, stream, either, server) : NO_STREAM;
    } finally {
      this.open.delete(ending);
      removeListener();
      this.onSettled();
    }
  }

  /**
   * The session waits for its handoff. While no call is in flight, which the question may concern, the open questions get a short
   * time to be answered, and no further one is sent.
   */
  limitQuestions(): void {
    if (this.isLeaving) return;
    this.isLeaving = true;
    this.onCallsFinished();
  }

  /** No call of the session is in flight any more. */
  onCallsFinished(): void {
    if (!this.isLeaving || this.session.callsInFlight > 0 || this.open.size === 0) return;
    this.cancelWithdrawal?.();
    this.cancelWithdrawal = this.clock.after(LEAVING_TIMEOUT_MS, () => this.withdrawAll());
  }

  private withdrawAll(): void {
    // A call has begun meanwhile: its end starts the time again.
    if (this.session.callsInFlight > 0) return;
    for (const question of this.open) question.abort();
  }

  /** The client has completed the handshake. */
  markInitialized(): void {
    if (this.isInitialized) return;
    this.isInitialized = true;
    if (this.session.serverStream?.isAttached) this.onAttached(this.session.serverStream);
  }

  /** A client is attached to the server stream. */
  onAttached(stream: SessionStream): void {
    if (!this.isInitialized) return;
    for (const { server, notification } of this.take()) {
      // The caller may have lost access to the server meanwhile.
      if (server === undefined || mayReceive(this.session, server, notification))
        void stream.emit({ kind: 'notification', notification });
    }
    this.sendWaiting(stream);
  }

  /** The client can receive questions on this stream. */
  sendWaiting(stream: SessionStream): void {
    const { waiters } = this;
    this.waiters = undefined;
    for (const resolve of waiters ?? []) resolve(stream);
  }

  /** Returns what is held, and holds it no longer. */
  take(): readonly HeldNotification[] {
    const { held } = this;
    this.held = [];
    this.count(-this.heldCharacters);
    return held.map(({ size: _size, ...item }) => item);
  }

  /**
   * Resolves with the server stream, or with the stream of a call if the client has only such. Resolves with undefined if it
   * has none in time.
   */
  private async whenAttached(signal: AbortSignal): Promise<SessionStream | undefined> {
    await this.session.connecting;
    const { serverStream, callStream } = this.session;
    const known = serverStream?.isAttached && this.isInitialized ? serverStream : callStream;
    if (known) return known;
    const { promise, resolve } = Promise.withResolvers<SessionStream | undefined>();
    const giveUp = () => resolve(undefined);
    if (signal.aborted) giveUp();
    const waiters = (this.waiters ??= new Set());
    waiters.add(resolve);
    signal.addEventListener('abort', giveUp, { once: true });
    const cancelTimeout = this.clock.after(STREAM_TIMEOUT_MS, giveUp);
    return promise.finally(() => {
      waiters.delete(resolve);
      signal.removeEventListener('abort', giveUp);
      cancelTimeout();
    });
  }
}

const TOO_MANY: Answer = {
  error: { code: RpcCode.invalidRequest, message: 'Too many questions that belong to no request are open' },
};

const LEAVING: Answer = {
  error: { code: RpcCode.invalidRequest, message: 'The session is about to move to another worker. Ask again later.' },
};

const NO_STREAM: Answer = {
  error: {
    code: RpcCode.invalidRequest,
    message: 'The client has opened no stream for questions that belong to no request',
  },
};

/** Reads held notifications that another worker wrote. Returns undefined for anything else. */
export function readHeldNotifications(value: JsonValue): HeldNotification[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_HELD_NOTIFICATIONS) return undefined;
  const read = value.map(readHeldNotification);
  return read.every((item) => item !== undefined) ? read : undefined;
}

function readHeldNotification(value: JsonValue): HeldNotification | undefined {
  if (!isJsonObject(value)) return undefined;
  const { server, notification } = value;
  if (!isJsonObject(notification) || (server !== undefined && typeof server !== 'string')) return undefined;
  const { method, params } = notification;
  if (typeof method !== 'string' || !isJsonObject(params)) return undefined;
  return { ...(server !== undefined && { server }), notification: { method, params } };
}
