import { encodeLegacyResult, GatewayCode, UntranslatableResult, type Outcome, type RequestId } from '#lib/mcp-protocol';
import type { StreamEvent, StreamSink } from '../../session-pool/index.js';
import type { ReplyWriter } from '../reply-writer.js';
import { toResponseText, withRetryAfter, toJsonRpcMessage } from '../rpc-responses.js';
import type { OpenReply, OpenReplies } from '../open-replies.js';

/** From this revision on a stream begins with an empty event that carries an id (basic/transports, SEP-1699). */
const RESUMABLE_SINCE = '2025-11-25';

/** The text of an answer in the words of a legacy revision. */
export function toLegacyResponseText(id: RequestId, method: string, outcome: Outcome, revision: string): string {
  if (outcome.kind === 'error') return toResponseText(id, outcome);
  try {
    return toResponseText(id, { kind: 'result', result: encodeLegacyResult(method, outcome.result, revision) });
  } catch (cause) {
    if (!(cause instanceof UntranslatableResult)) throw cause;
    const data = { outcome: 'executed', retriable: false } as const;
    return toResponseText(id, {
      kind: 'error',
      error: { code: GatewayCode.upstreamBrokeProtocol, message: cause.message, data },
    });
  }
}

/** A call that was dispatched is answered with 200 whatever came of it; one that was refused at the door is not. */
const toStatus = (outcome: Outcome): number =>
  outcome.kind === 'error' && outcome.refused ? (outcome.httpStatus ?? 503) : 200;

/** Writes the events of a session's stream in the words of its revision. */
export class LegacyStream implements StreamSink, OpenReply {
  slot: OpenReply['slot'];

  constructor(
    protected readonly writer: ReplyWriter,
    protected readonly openReplies: OpenReplies,
    protected readonly revision: string,
  ) {
    openReplies.add(this);
    writer.onClosed(() => openReplies.remove(this));
  }

  emit(event: StreamEvent): void | Promise<void> {
    this.writer.openStream();
    if (event.kind === 'answer') {
      return this.writer.event(
        toLegacyResponseText(event.id, event.method, event.outcome, this.revision),
        event.eventId,
      );
    }
    if (event.kind === 'opened') return this.prime(event.eventId, event.retryMs);
    if (event.kind === 'interrupted') return this.canResume ? this.writer.end() : undefined;
    return this.writer.event(JSON.stringify(toJsonRpcMessage(event)), event.eventId);
  }

  private get canResume(): boolean {
    return this.revision >= RESUMABLE_SINCE;
  }

  private prime(eventId: string | undefined, retryMs: number | undefined): void | Promise<void> {
    if (!this.canResume || eventId === undefined) return undefined;
    return this.writer.event('', eventId, undefined, retryMs);
  }

  end(): void {
    // Nothing may have been said yet: an end without a head would be an answer of no kind.
    this.writer.openStream();
    this.writer.end();
  }

  keepAlive(): void {
    this.writer.openStream();
    this.writer.comment();
  }

  /** What is owed on the stream comes from a server, and is not ours to cut off; the deadline of the shutdown is. */
  onDrain(): void {
    // It ends with the answer.
  }
}

/** Answers a GET: the stream that belongs to no request, or the rest of one that was cut. */
export class LegacyGetStream extends LegacyStream {
  isStanding = false;

  override onDrain(): void {
    if (this.isStanding) this.end();
  }
}

/** Answers one request: with JSON when the outcome is all there is, as a stream once something precedes it. */
export class LegacyReply extends LegacyStream {
  constructor(
    writer: ReplyWriter,
    keeper: OpenReplies,
    revision: string,
    private readonly id: RequestId,
    private readonly method: string,
  ) {
    super(writer, keeper, revision);
  }

  finish(outcome: Outcome): void {
    this.openReplies.remove(this);
    const text = toLegacyResponseText(this.id, this.method, outcome, this.revision);
    if (!this.writer.isStreaming) return withRetryAfter(this.writer, outcome).json(toStatus(outcome), text);
    void this.writer.event(text, outcome.eventId);
    return this.writer.end();
  }
}

/** Answers a batch: one array, or one event each once something precedes the outcomes. */
export class LegacyBatchReply extends LegacyStream {
  private readonly texts: string[] = [];
  private status = 200;

  add(id: RequestId, method: string, outcome: Outcome): void {
    this.status = Math.max(this.status, toStatus(outcome));
    const text = toLegacyResponseText(id, method, outcome, this.revision);
    if (this.writer.isStreaming) void this.writer.event(text);
    else this.texts.push(text);
  }

  finish(): void {
    this.openReplies.remove(this);
    if (!this.writer.isStreaming) return this.writer.json(this.status, `[${this.texts.join(',')}]`);
    for (const text of this.texts) void this.writer.event(text);
    return this.writer.end();
  }
}
