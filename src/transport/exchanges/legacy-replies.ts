import { encodeLegacyResult, GatewayCode, UntranslatableResult, type Outcome, type RequestId } from '#lib/mcp-protocol';
import type { StreamEvent, StreamSink } from '../../session-pool/index.js';
import type { ReplyWriter } from '../reply-writer.js';
import { answerText, headed, messageOf } from '../rpc-answers.js';
import type { OpenReply, StreamKeeper } from '../stream-keeper.js';

/** From this revision on a stream begins with an empty event that carries an id (basic/transports, SEP-1699). */
const PRIMED_SINCE = '2025-11-25';

/** The text of an answer in the words of a legacy revision. */
export function legacyAnswer(id: RequestId, method: string, outcome: Outcome, revision: string): string {
  if (outcome.kind === 'error') return answerText(id, outcome);
  try {
    return answerText(id, { kind: 'result', result: encodeLegacyResult(method, outcome.result, revision) });
  } catch (cause) {
    if (!(cause instanceof UntranslatableResult)) throw cause;
    const data = { outcome: 'executed', retriable: false } as const;
    return answerText(id, {
      kind: 'error',
      error: { code: GatewayCode.upstreamBrokeProtocol, message: cause.message, data },
    });
  }
}

/** A call that was dispatched is answered with 200 whatever came of it; one that was refused at the door is not. */
const statusOf = (outcome: Outcome): number =>
  outcome.kind === 'error' && outcome.refused ? (outcome.httpStatus ?? 503) : 200;

/** Writes the events of a session's stream in the words of its revision. */
export class LegacyStream implements StreamSink, OpenReply {
  kept: OpenReply['kept'];

  constructor(
    protected readonly writer: ReplyWriter,
    protected readonly keeper: StreamKeeper,
    protected readonly revision: string,
  ) {
    keeper.add(this);
    writer.onClosed(() => keeper.remove(this));
  }

  emit(event: StreamEvent): void | Promise<void> {
    this.writer.openStream();
    if (event.kind === 'answer') {
      return this.writer.event(legacyAnswer(event.id, event.method, event.outcome, this.revision), event.eventId);
    }
    if (event.kind === 'opened') return this.prime(event.eventId, event.retryMs);
    if (event.kind === 'interrupted') return this.canComeBack ? this.writer.end() : undefined;
    return this.writer.event(JSON.stringify(messageOf(event)), event.eventId);
  }

  private get canComeBack(): boolean {
    return this.revision >= PRIMED_SINCE;
  }

  private prime(eventId: string | undefined, retryMs: number | undefined): void | Promise<void> {
    if (!this.canComeBack || eventId === undefined) return undefined;
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
  leave(): void {
    // It ends with the answer.
  }
}

/** Answers a GET: the stream that belongs to no request, or the rest of one that was cut. */
export class LegacyGetStream extends LegacyStream {
  standing = false;

  override leave(): void {
    if (this.standing) this.end();
  }
}

/** Answers one request: with JSON when the outcome is all there is, as a stream once something precedes it. */
export class LegacyReply extends LegacyStream {
  constructor(
    writer: ReplyWriter,
    keeper: StreamKeeper,
    revision: string,
    private readonly id: RequestId,
    private readonly method: string,
  ) {
    super(writer, keeper, revision);
  }

  finish(outcome: Outcome): void {
    this.keeper.remove(this);
    const text = legacyAnswer(this.id, this.method, outcome, this.revision);
    if (!this.writer.streaming) return headed(this.writer, outcome).json(statusOf(outcome), text);
    void this.writer.event(text, outcome.eventId);
    return this.writer.end();
  }
}

/** Answers a batch: one array, or one event each once something precedes the outcomes. */
export class LegacyBatchReply extends LegacyStream {
  private readonly texts: string[] = [];
  private status = 200;

  add(id: RequestId, method: string, outcome: Outcome): void {
    this.status = Math.max(this.status, statusOf(outcome));
    const text = legacyAnswer(id, method, outcome, this.revision);
    if (this.writer.streaming) void this.writer.event(text);
    else this.texts.push(text);
  }

  finish(): void {
    this.keeper.remove(this);
    if (!this.writer.streaming) return this.writer.json(this.status, `[${this.texts.join(',')}]`);
    for (const text of this.texts) void this.writer.event(text);
    return this.writer.end();
  }
}
