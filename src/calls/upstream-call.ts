import type { Caller } from '#lib/extension-kit';
import type { ClientProfile, McpRequest, RequestId } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { CallProgress } from '../telemetry/index.js';
import type { CallMessages } from './call-messages.js';

/** One request to one server, under the item's own name there. */
export interface UpstreamCall {
  readonly server: ServerDefinition;
  readonly request: McpRequest;
  readonly parameterHeaders?: Readonly<Record<string, string | number | boolean>>;
  readonly caller: Caller;
  readonly client: ClientProfile;
  /** The client's own request id, which its answer and its cancellation carry. */
  readonly requestId: RequestId;
  /** Id of the endpoint at which a client without a session called. A session has its own. */
  readonly endpoint?: string;
  /** True if the client itself answers `input_required` by repeating the call. */
  readonly clientRepeatsCall: boolean;
  /** True if no event may precede the outcome: the call is one part of a list that is merged from several servers. */
  readonly silent?: boolean;
  /** True if the client may use tasks at the server. */
  readonly usesTasks?: boolean;
  /** True if a client without a session may receive messages of the server that the gateway does not know. */
  readonly acceptsUnknown?: boolean;
  /** Receives where the call is. Absent: the call belongs to no request of a client. */
  readonly progress?: CallProgress | undefined;
  /** Handles what the server sends during the call. Absent: its client receives it as it is. */
  readonly messages?: CallMessages;
}
