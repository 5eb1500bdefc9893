import { Logger } from '@nestjs/common';
import { toFaultOutcome, toHttpOutcome, type Outcome } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { BoundedLog } from '../../channels/bounded-log.js';
import type { HttpChannel } from '../../channels/http/index.js';
import { SsePipe, type SsePipeOptions, type SseRefusal } from '../../channels/sse/index.js';
import { protocolViolation, withServer, sessionLost, toOutcomeError } from '../../upstream.errors.js';
import type { LegacyConnection } from './legacy-connection.js';
import type { ConnectionOptions } from './connection-options.js';
import { openOverPipe } from './open-over-pipe.js';
import { endsSession } from './session-loss.js';

/** Opens the event stream of an HTTP+SSE server and a session on it. Rejects with an OutcomeError. */
export async function openOverSse(
  channel: HttpChannel,
  opening: ConnectionOptions,
  signal: AbortSignal,
): Promise<LegacyConnection> {
  const { server, clock } = opening.context;
  const pipe = new SsePipe(channel, toPipeOptions(server, clock), opening.deadline.leftMs());
  const closePipe = (): void => void pipe.close();
  signal.addEventListener('abort', closePipe, { once: true });
  const refusal = await pipe.opened;
  signal.removeEventListener('abort', closePipe);
  if (refusal === undefined) return openOverPipe(pipe, opening, signal);
  await pipe.close();
  throw toOutcomeError(withServer(refusalToOutcome(refusal, server), opening.context));
}

function toPipeOptions(server: string, clock: Clock): SsePipeOptions {
  const log = new BoundedLog(new Logger('Upstream'), `${server}: dropped a line that is not a message: `, clock);
  return {
    toRefusal: (answer, id) => {
      const isLost = endsSession(answer, id);
      return { outcome: isLost ? sessionLost(server) : toHttpOutcome(answer, id), isLost };
    },
    onInvalidMessage: (text) => log.write(text.slice(0, 200)),
  };
}

function refusalToOutcome(refusal: SseRefusal, server: string): Outcome {
  if (refusal.kind === 'fault') return toFaultOutcome(refusal.fault, refusal.detail);
  if (refusal.answer.status >= 300) return toHttpOutcome(refusal.answer, 0);
  return protocolViolation(server, 'it offers no event stream');
}
