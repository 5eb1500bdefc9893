import type { JsonObject } from '#lib/mcp-protocol';
import type { MessagePipe } from '../../channels/message-pipe.js';
import { withServer } from '../../upstream.errors.js';
import { PipeRequest, type PipeEnding } from '../pipe-request.js';
import type { CallContext } from '../in-flight-call.js';
import { discoverText, readDiscovery, type Discovery } from './discovery.js';
import { PipeProbe, type ProbeTimeouts } from './pipe-probe.js';

export type PipeDiscovery =
  | Discovery
  /** The server did not answer in time, which says nothing about its era. */
  | { readonly kind: 'silent' }
  /** The pipe did not survive: some legacy servers end at a message that they do not know. */
  | { readonly kind: 'ended'; readonly reason: string }
  | { readonly kind: 'cancelled' };

export interface PipeProbed {
  readonly found: PipeDiscovery;
  /** Id of the `initialize` request that the probe sent, if it sent one. */
  readonly handshakeId: number | undefined;
}

/** Sends discovery to a server in a pipe. */
export async function discoverOverPipe(
  pipe: MessagePipe,
  context: CallContext,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<PipeDiscovery> {
  return toPipeDiscovery(
    await new PipeRequest(pipe, discoverText, context.deadlines, timeoutMs, signal).ended,
    context,
  );
}

/**
 * Finds out the era of a server in a process that may still be starting. `handshake` holds the params of `initialize`,
 * which the probe sends when discovery stays unanswered (basic/transports/stdio, Backward Compatibility).
 */
export async function probeOverPipe(
  pipe: MessagePipe,
  context: CallContext,
  timeouts: ProbeTimeouts,
  handshake: JsonObject,
): Promise<PipeProbed> {
  const probe = new PipeProbe(pipe, context.deadlines, timeouts, handshake);
  const ending = await probe.ended;
  const found = ending.kind === 'handshake' ? ({ kind: 'legacy' } as const) : toPipeDiscovery(ending, context);
  return { found, handshakeId: probe.handshakeId };
}

function toPipeDiscovery(ending: PipeEnding, context: CallContext): PipeDiscovery {
  switch (ending.kind) {
    case 'outcome':
      return readDiscovery(withServer(ending.outcome, context), context.server);
    case 'silence':
      return { kind: 'silent' };
    case 'end':
      return { kind: 'ended', reason: ending.reason };
    case 'cancelled':
      return { kind: 'cancelled' };
  }
}
