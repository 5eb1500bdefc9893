import { LATEST_MODERN_REVISION } from '#lib/mcp-protocol';
import type { HttpChannel } from '../../channels/http/index.js';
import { named } from '../../upstream.errors.js';
import { isResponse, isRpcAnswer, outcomeOfEnding } from '../http-ending.js';
import { RequestOnce, type Ending } from '../request-once.js';
import { DISCOVER_REQUEST, discoverText, readDiscovery, type Discovery } from './discovery.js';
import { mirroredHeaders, modernHeaders } from './modern-headers.js';

const PROBE_ID = 0;

/** Probes a server over HTTP. An unreachable, refusing or failing server is inconclusive about its era. */
export async function discoverOverHttp(
  channel: HttpChannel,
  server: string,
  limitMs: number,
  signal: AbortSignal,
): Promise<Discovery> {
  const headers = mirroredHeaders(modernHeaders(channel.headers, LATEST_MODERN_REVISION), DISCOVER_REQUEST);
  const request = { method: 'POST', headers, body: discoverText(PROBE_ID), limitMs } as const;
  const ending = await new RequestOnce(channel, request, isResponse, signal).ended;
  const outcome = named(outcomeOfEnding(ending, PROBE_ID), server);
  return saysNothing(ending) ? { kind: 'failed', outcome } : readDiscovery(outcome, server);
}

function saysNothing(ending: Ending): boolean {
  if (ending.kind !== 'answer') return ending.kind === 'fault' && ending.fault !== 'cut';
  const { status } = ending.answer;
  if (status === 401 || status === 403 || status === 408 || status === 429) return true;
  // Some legacy servers answer an unknown method with HTTP 500 and a JSON-RPC error.
  return status >= 500 && !(status === 500 && isRpcAnswer(ending.answer));
}
