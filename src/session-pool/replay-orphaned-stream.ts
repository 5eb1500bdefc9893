import { GatewayError } from '#lib/extension-kit';
import { GatewayCode } from '#lib/mcp-protocol';
import type { EventArchive, StreamCall } from './event-archive.js';
import { replayAfter, type ReplayableEvent } from './event-log.js';

/** What a client hears from another worker when the one that had its session is gone. */
export interface OrphanedReplay {
  /** What it missed on the stream that it comes back for, the end of an open call included. */
  readonly events: readonly ReplayableEvent[];
  /** The call whose answer never came; absent where nothing is owed. */
  readonly openCall?: StreamCall;
}

/** The worker of the call is gone. Whether the call ran to its end cannot be known. */
class CallLostWithWorker extends GatewayError {
  constructor() {
    super(
      GatewayCode.outcomeUnknown,
      'The worker that ran the call is gone. Whether the call was carried out cannot be told.',
      504,
      { outcome: 'unknown', retriable: false },
    );
  }
}

/**
 * Tells what followed an event on its stream, out of what the dead owner stored. After that the session is over, and
 * the stream ends. Undefined where there would be a gap, or nothing is known; rejects when the archive cannot be asked.
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
