import { outcomeOfFault } from '#lib/mcp-protocol';
import type { HttpChannel } from '../../channels/http/index.js';
import { named, thrown } from '../../upstream.errors.js';
import type { LegacyConnection } from './legacy-connection.js';
import type { LegacyOpening } from './open-over-http.js';

export async function openOverSse(
  _channel: HttpChannel,
  opening: LegacyOpening,
  _signal: AbortSignal,
): Promise<LegacyConnection> {
  throw thrown(named(outcomeOfFault('refused', 'no HTTP+SSE yet'), opening.surroundings.server));
}
