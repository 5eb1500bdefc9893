import type { MessagePipe } from '../../channels/message-pipe.js';
import { withServer } from '../../upstream.errors.js';
import { PipeRequest, type PipeEnding } from '../pipe-request.js';
import type { CallContext } from '../in-flight-call.js';
import { discoverText, readDiscovery, type Discovery } from './discovery.js';
import { PipeProbe, type ProbeTimeouts } from './pipe-probe.js';

/** A pipe that did not survive the probe: some legacy servers end at a message that they do not know. */
export type PipeDiscovery =
  Discovery | { readonly kind: 'ended'; readonly reason: string } | { readonly kind: 'cancelled' };

/** Asks a server in a pipe what it is. Silence means legacy (basic/transports/stdio, Backward Compatibility). */
export async function discoverOverPipe(
  pipe: MessagePipe,
  { server, deadlines }: CallContext,
  limitMs: number,
  signal: AbortSignal,
): Promise<PipeDiscovery> {
  return toPipeDiscovery(await new PipeRequest(pipe, discoverText, deadlines, limitMs, signal).ended, server);
}

/** The same of a program that may still be starting. */
export async function probeOverPipe(
  pipe: MessagePipe,
  { server, deadlines }: CallContext,
  patience: ProbeTimeouts,
): Promise<PipeDiscovery> {
  return toPipeDiscovery(await new PipeProbe(pipe, deadlines, patience).ended, server);
}

function toPipeDiscovery(ending: PipeEnding, server: string): PipeDiscovery {
  switch (ending.kind) {
    case 'outcome':
      return readDiscovery(withServer(ending.outcome, server), server);
    case 'silence':
      return { kind: 'legacy' };
    case 'end':
      return { kind: 'ended', reason: ending.reason };
    case 'cancelled':
      return { kind: 'cancelled' };
  }
}
