import type { Caller } from '#lib/extension-kit';
import type { ClientProfile, Headers, McpRequest, Outcome, RequestId } from '#lib/mcp-protocol';
import type { SessionHandle } from '../affinity/index.js';
import type { UpstreamCall } from '../calls/index.js';
import type { Endpoint } from '../catalog/index.js';
import type { StreamSink } from '../session-pool/index.js';
import type { TrackedCall } from '../telemetry/index.js';

/** A client's request in era-independent form, with its caller, client and endpoint. */
export interface Inbound {
  readonly caller: Caller;
  readonly endpoint: Endpoint;
  readonly client: ClientProfile;
  /** The legacy session; absent for modern and plain clients. */
  readonly session?: SessionHandle;
  readonly requestId: RequestId;
  readonly request: McpRequest;
  /** HTTP headers of a modern client, which repeat some tool parameters. */
  readonly mirrored?: Headers;
  /** True when the client answers an `input_required` result by repeating the call. */
  readonly clientRepeatsCall: boolean;
  /** The record of the request. Absent: the gateway itself makes the request. */
  readonly record?: TrackedCall | undefined;
}

export const METHOD_HANDLERS = Symbol('METHOD_HANDLERS');

/** Answers one or more methods. Failures are outcomes; any exception is a GatewayError or a defect. */
export abstract class MethodHandler {
  abstract readonly methods: readonly string[];
  abstract handle(inbound: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome>;
}

/** The part of an upstream call that identifies the caller, client and request. */
export function toCallIdentity(inbound: Inbound): Omit<UpstreamCall, 'server' | 'request'> {
  const { caller, client, endpoint, requestId, clientRepeatsCall, record: progress } = inbound;
  return { caller, client, endpoint: endpoint.id, requestId, clientRepeatsCall, progress };
}
