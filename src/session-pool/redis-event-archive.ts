import { Logger } from '@nestjs/common';
import { isRequestId, type RequestId } from '#lib/mcp-protocol';
import { redisScript, type RedisCommands, type RedisKeys } from '#lib/redis';
import { TextCipher } from '#lib/sealing';
import type { Clock } from '#lib/time';
import { EventArchive, type ArchivedEvent } from './event-archive.js';

/** Limits per session, equal to those of the owner's own event log. */
export interface ArchiveLimits {
  readonly replayEvents: number;
  readonly replayBytes: number;
  /** Time after the last append after which Redis expires the events. */
  readonly sessionIdleMs: number;
}

/** Separates the keys of sessions from the other keys that are derived from the same secret. */
const LABEL = 'session-pool events 3';
/** Maximum number of sessions whose keys are kept. Beyond it, keys are derived again. */
const MAX_CACHED_CIPHERS = 1_024;

/** Base64url characters per byte. */
const ENCRYPTED_SIZE = 4 / 3;

/** Time after a failure during which appends fail immediately, before one event tries again. */
const RETRY_INTERVAL_MS = 500;

/**
 * Stores events in Redis, encrypted and bound to their session: they contain answers, and access to Redis must be enough
 * neither to read nor to forge one. Stores them in one hash per session, with one round trip per event. After a failure appends fail
 * immediately, for a while or until the connection is ready again, instead of each waiting for its command timeout.
 */
export class RedisEventArchive extends EventArchive {
  override readonly isActive = true;
  private readonly logger = new Logger('EventArchive');
  private readonly appendEvent = redisScript('append-event', 1);
  private readonly readEvents = redisScript('read-events', 1);
  private readonly ciphers = new Map<string, TextCipher>();
  private closedUntil = 0;

  /** @param secret the common secret of all workers */
  constructor(
    private readonly redis: RedisCommands,
    private readonly keys: RedisKeys,
    private readonly limits: ArchiveLimits,
    private readonly secret: Buffer,
    private readonly clock: Clock,
  ) {
    super();
    redis.onReady(() => (this.closedUntil = 0));
  }

  /** Rejects with ArchiveUnavailable for a while after a failure, otherwise with RedisFault. */
  override async append(session: string, event: ArchivedEvent): Promise<void> {
    const now = this.clock.monotonicNow();
    if (now < this.closedUntil) throw new ArchiveUnavailable();
    // One append tries again; until its result is known, the others still fail immediately.
    if (this.closedUntil > 0) this.closedUntil = now + RETRY_INTERVAL_MS;
    const { replayEvents, replayBytes, sessionIdleMs } = this.limits;
    try {
      const text = this.cipherOf(session).encrypt(toText(event), session);
      const bounds = [replayEvents, Math.ceil(replayBytes * ENCRYPTED_SIZE), sessionIdleMs];
      await this.redis.run(this.appendEvent, [this.keys.events(session)], [text, ...bounds]);
      this.closedUntil = 0;
    } catch (cause) {
      this.closedUntil = this.clock.monotonicNow() + RETRY_INTERVAL_MS;
      throw cause;
    }
  }

  /** Omits entries that no worker wrote for this session. Rejects with RedisFault. */
  override async read(session: string): Promise<readonly ArchivedEvent[]> {
    const texts = await this.redis.run(this.readEvents, [this.keys.events(session)], []);
    const found = Array.isArray(texts) ? texts.map((text: unknown) => this.toEvent(session, text)) : [];
    const events = found.filter((event) => event !== undefined);
    if (events.length < found.length)
      this.logger.warn('Ignored stored events of a session that no worker of this version encrypted');
    return events;
  }

  override async delete(session: string): Promise<void> {
    this.ciphers.delete(session);
    await this.redis.send('UNLINK', this.keys.events(session));
  }

  /** A key per session, because random nonces allow only 2³² events under one key. */
  private cipherOf(session: string): TextCipher {
    const known = this.ciphers.get(session);
    if (known) return known;
    if (this.ciphers.size >= MAX_CACHED_CIPHERS) this.ciphers.clear();
    const cipher = new TextCipher(this.secret, `${LABEL} ${session}`);
    this.ciphers.set(session, cipher);
    return cipher;
  }

  private toEvent(session: string, sealed: unknown): ArchivedEvent | undefined {
    const text = this.cipherOf(session).decrypt(sealed, session);
    return text === undefined ? undefined : parseEvent(text);
  }
}

/** The archive failed recently and does not accept events yet. */
export class ArchiveUnavailable extends Error {
  constructor() {
    super('The event archive failed recently; the event was not stored.');
  }
}

/** A header line that identifies the event, then the event as it is: it is JSON already and is not encoded twice. */
function toText({ stream, sequence, json, call }: ArchivedEvent): string {
  return `${JSON.stringify([stream, sequence, ...(call ? [call.requestId, call.method] : [])])}\n${json}`;
}

function parseEvent(text: string): ArchivedEvent | undefined {
  const end = text.indexOf('\n');
  const head = parseHeader(text.slice(0, Math.max(end, 0)));
  if (!head) return undefined;
  const [stream, sequence, requestId, method] = head;
  const call = requestId !== undefined && method !== undefined ? { requestId, method } : undefined;
  return { stream, sequence, json: text.slice(end + 1), ...(call && { call }) };
}

function parseHeader(line: string): [number, number, RequestId?, string?] | undefined {
  try {
    const head: unknown = JSON.parse(line);
    return isHeader(head) ? head : undefined;
  } catch {
    return undefined;
  }
}

function isHeader(value: unknown): value is [number, number, RequestId?, string?] {
  if (!Array.isArray(value) || (value.length !== 2 && value.length !== 4)) return false;
  const [stream, sequence, requestId, method] = value as unknown[];
  const isOfNoCall = value.length === 2;
  return (
    Number.isSafeInteger(stream) &&
    Number.isSafeInteger(sequence) &&
    (isOfNoCall || (isRequestId(requestId) && typeof method === 'string'))
  );
}
