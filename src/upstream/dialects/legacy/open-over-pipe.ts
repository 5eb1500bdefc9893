import { toFaultOutcome, type Outcome } from '#lib/mcp-protocol';
import type { MessagePipe } from '../../channels/message-pipe.js';
import { withServer } from '../../upstream.errors.js';
import { PipeRequest, type PipeEnding } from '../pipe-request.js';
import { initializeText, readInitialize } from './handshake.js';
import { LegacyConnection } from './legacy-connection.js';
import { LegacyPipeLink } from './legacy-pipe-link.js';
import type { ConnectionOptions } from './connection-options.js';

/**
 * Shakes hands in a pipe. Rejects with an OutcomeError; the pipe is closed then.
 * @param handshakeId id of the `initialize` request, when it was sent before
 */
export async function openOverPipe(
  pipe: MessagePipe,
  opening: ConnectionOptions,
  signal: AbortSignal,
  handshakeId?: number,
): Promise<LegacyConnection> {
  const { client, context: surroundings, events, suspectEra, deadline } = opening;
  const { server, deadlines } = surroundings;
  try {
    const textOf = (id: number): string => initializeText(id, client);
    const ending = await new PipeRequest(pipe, textOf, deadlines, deadline.leftMs(), signal, handshakeId).ended;
    const profile = readInitialize(withServer(pipeEndingToOutcome(ending), surroundings), server);
    const connection = new LegacyConnection({
      profile,
      client,
      context: surroundings,
      events,
      suspectEra,
      nextId: () => pipe.nextId(),
      link: (host) => new LegacyPipeLink(pipe, host),
    });
    await connection.completeHandshake(false);
    return connection;
  } catch (error) {
    void pipe.close();
    throw error;
  }
}

function pipeEndingToOutcome(ending: PipeEnding): Outcome {
  switch (ending.kind) {
    case 'outcome':
      return ending.outcome;
    case 'silence':
      return toFaultOutcome('timeout');
    case 'cancelled':
      return toFaultOutcome('aborted');
    case 'end':
      // Only the handshake was sent, so no request of a caller was executed.
      return toFaultOutcome(ending.fault === 'lost' ? 'refused' : ending.fault, ending.reason);
  }
}
