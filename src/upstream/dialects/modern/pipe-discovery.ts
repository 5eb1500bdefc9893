import type { MessagePipe } from '../../channels/message-pipe.js';
import { named } from '../../upstream.errors.js';
import { PipeRequest, type PipeEnding } from '../pipe-request.js';
import type { CallSurroundings } from '../running-call.js';
import { discoverText, readDiscovery, type Discovery } from './discovery.js';
import { PipeProbe, type ProbePatience } from './pipe-probe.js';

/** A pipe that did not survive the probe: some legacy servers end at a message that they do not know. */
export type PipeDiscovery =
  Discovery | { readonly kind: 'ended'; readonly reason: string } | { readonly kind: 'cancelled' };

/** Asks a server in a pipe what it is. Silence means legacy (basic/transports/stdio, Backward Compatibility). */
export async function discoverOverPipe(
  pipe: MessagePipe,
  { server, deadlines }: CallSurroundings,
  limitMs: number,
  signal: AbortSignal,
): Promise<PipeDiscovery> {
  return discoveryOf(await new PipeRequest(pipe, discoverText, deadlines, limitMs, signal).ended, server);
}

/** The same of a program that may still be starting. */
export async function probeOverPipe(
  pipe: MessagePipe,
  { server, deadlines }: CallSurroundings,
  patience: ProbePatience,
): Promise<PipeDiscovery> {
  return discoveryOf(await new PipeProbe(pipe, deadlines, patience).ended, server);
}

function discoveryOf(ending: PipeEnding, server: string): PipeDiscovery {
  switch (ending.kind) {
    case 'outcome':
      return readDiscovery(named(ending.outcome, server), server);
    case 'silence':
      return { kind: 'legacy' };
    case 'end':
      return { kind: 'ended', reason: ending.reason };
    case 'cancelled':
      return { kind: 'cancelled' };
  }
}
