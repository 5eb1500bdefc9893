import { GatewayError } from '#lib/extension-kit';
import { GatewayCode } from '#lib/mcp-protocol';
import type { EventArchive, StreamCall } from './event-archive.js';
import { replayAfter, type ReplayableEvent } from './event-log.js';

/** The rest of a stream whose owner is dead, as another worker replays it. */
export interface OrphanedReplay {
  /** The events that the client missed on its stream, including the lost answer to an open call. */
  readonly events: readonly ReplayableEvent[];
  /** The call that was never answered. Undefined if the stream answers no call, or its answer was stored. */
  readonly openCall?: StreamCall;
}

/** The worker that ran the call is dead. Whether the call was executed is unknown. */
class CallLostWithWorker extends GatewayError {
  constructor() {
    super(
      GatewayCode.outcomeUnknown,
      'The worker that ran the call has died. Whether the call was executed is unknown; check before you repeat it.',
      504,
      { outcome: 'unknown', retriable: false },
    );
  }
}

/**
 * Replays the events after a known one from the archive of a dead owner. The session is over and the stream ends after
 * them. Returns undefined if there would be a gap or no event is stored. Rejects if the archive cannot be read.
 */
export async function replayOrphanedStream(
  archive: EventArchive,
  session: string,
  lastEventId: string,
): Promise<OrphanedReplay | undefined> {
  const stored = (await archive.read(session)).toSorted((one, other) => one.sequence - other.sequence);
  const replay = replayAfter(stored, lastEventId);
  if (!replay) return undefined;
  const call = stored.find(({ stream }) => stream === replay.stream)?.call;
  const last = stored.findLast(({ stream }) => stream === replay.stream);
  if (!call || !last || isAnswer(last.json)) return { events: replay.events };
  return { events: [...replay.events, toLostAnswer(call)], openCall: call };
}

function toLostAnswer({ requestId, method }: StreamCall): ReplayableEvent {
  return { kind: 'answer', id: requestId, method, outcome: new CallLostWithWorker().toOutcome() };
}

const isAnswer = (json: string): boolean => (JSON.parse(json) as ReplayableEvent).kind === 'answer';
