import type { Caller } from '#lib/extension-kit';
import type { ClientProfile, Headers, McpRequest, Outcome, RequestId } from '#lib/mcp-protocol';
import type { SessionHandle } from '../affinity/index.js';
import type { UpstreamCall } from '../calls/index.js';
import type { Endpoint } from '../catalog/index.js';
import type { StreamSink } from '../session-pool/index.js';

/** A client's request in neutral form, with all that is known of where it came from. */
export interface Inbound {
  readonly caller: Caller;
  readonly endpoint: Endpoint;
  readonly client: ClientProfile;
  /** The legacy session; absent for modern and plain clients. */
  readonly session?: SessionHandle;
  readonly requestId: RequestId;
  readonly request: McpRequest;
  /** HTTP headers of a client whose era mirrors tool parameters in them. */
  readonly mirrored?: Headers;
  /** The client answers `input_required` itself by repeating the call. */
  readonly repeatsItself: boolean;
}

/** Answers one method. Failures are outcomes; what is thrown is a GatewayError or a defect. */
export abstract class MethodHandler {
  abstract readonly methods: readonly string[];
  abstract handle(inbound: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome>;
}

/** The part of a call that follows from the client's request alone. */
export function toCallIdentity(inbound: Inbound): Omit<UpstreamCall, 'server' | 'request'> {
  const { caller, client, requestId, repeatsItself } = inbound;
  return { caller, client, requestId, clientRepeatsCall: repeatsItself };
}
