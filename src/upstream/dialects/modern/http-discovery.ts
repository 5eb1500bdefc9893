import { LATEST_MODERN_REVISION } from '#lib/mcp-protocol';
import type { HttpChannel } from '../../channels/http/index.js';
import { withServer, type NamedServer } from '../../upstream.errors.js';
import { isEnd, isRpcResponse, endingToOutcome } from '../request-ending.js';
import { SingleRequest, type RequestEnding } from '../single-request.js';
import { DISCOVER_REQUEST, discoverText, readDiscovery, type Discovery } from './discovery.js';
import { mirroredHeaders, modernHeaders } from './modern-headers.js';

const PROBE_ID = 0;

/** Probes a server over HTTP. An unreachable, refusing or failing server is inconclusive about its era. */
export async function discoverOverHttp(
  channel: HttpChannel,
  named: NamedServer,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Discovery> {
  const headers = mirroredHeaders(modernHeaders(channel.headers, LATEST_MODERN_REVISION), DISCOVER_REQUEST);
  const request = { method: 'POST', headers, body: discoverText(PROBE_ID), timeoutMs } as const;
  const ending = await new SingleRequest(channel, request, isEnd, signal).ended;
  const outcome = withServer(endingToOutcome(ending, PROBE_ID), named);
  return isInconclusive(ending) ? { kind: 'failed', outcome } : readDiscovery(outcome, named.server);
}

function isInconclusive(ending: RequestEnding): boolean {
  if (ending.kind !== 'answer') return ending.kind === 'fault' && ending.fault !== 'cut';
  const { status } = ending.answer;
  if (status === 401 || status === 403 || status === 408 || status === 429) return true;
  // Some legacy servers answer an unknown method with HTTP 500 and a JSON-RPC error.
  return status >= 500 && !(status === 500 && isRpcResponse(ending.answer));
}
