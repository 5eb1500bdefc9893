import {
  decodeLegacyRequest,
  findDeclarationFault,
  isJsonObject,
  readMessage,
  RpcCode,
  withoutNullMembers,
  type ClientProfile,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type JsonValue,
  type McpNotification,
  type MessageReading,
  type Outcome,
} from '#lib/mcp-protocol';
import type { SessionHandle } from '../../affinity/index.js';
import type { Inbound } from '../../dispatch/index.js';
import type { TrackedCall } from '../../telemetry/index.js';
import type { Admitted } from '../admission.js';
import { BadRequest } from '../transport.errors.js';

/** Modern methods, which do not exist in the legacy era. */
const MODERN_ONLY = new Set(['server/discover', 'subscriptions/listen']);

export const isLegacyMethod = (method: string): boolean => !MODERN_ONLY.has(method);

export type ValidMessage = Exclude<MessageReading, { kind: 'invalid' }>;

/** Reads a client's message. Optional members that are null count as absent. */
export const readClientMessage = (value: JsonValue): MessageReading => readMessage(withoutNullMembers(value));

/** Reads a client's message. @throws MalformedMessage */
export function validateMessage(value: JsonValue): ValidMessage {
  const reading = readClientMessage(value);
  if (reading.kind === 'invalid') throw new MalformedMessage(reading);
  return reading;
}

/** 400 with the id of the request, if it could be read. */
export class MalformedMessage extends BadRequest {
  readonly id: OptionalRequestId;

  constructor(reading: Extract<MessageReading, { kind: 'invalid' }>) {
    super(reading.error.message);
    this.id = reading.id;
  }
}

type OptionalRequestId = Extract<MessageReading, { kind: 'invalid' }>['id'] | undefined;

/** Converts a request of a session to the era-independent form. */
export function toSessionInbound(
  admitted: Admitted,
  session: SessionHandle,
  message: JsonRpcRequest,
  record: TrackedCall,
): Inbound {
  return {
    caller: admitted.caller,
    endpoint: admitted.endpoint,
    client: session.client,
    session,
    requestId: message.id,
    request: decodeLegacyRequest(message),
    clientRepeatsCall: false,
    record,
  };
}

/** The client profile that `initialize` declares (specification 2025: basic/lifecycle, Initialization). */
export function toClientProfile({ params = {} }: JsonRpcRequest, revision: string): ClientProfile {
  const { capabilities, clientInfo } = params;
  return {
    revision,
    capabilities: isJsonObject(capabilities) ? capabilities : {},
    ...(isJsonObject(clientInfo) && { clientInfo }),
  };
}

export const toNotification = ({ method, params = {} }: JsonRpcNotification): McpNotification => ({ method, params });

/** Refuses an `initialize` whose declarations are too large to be stored for the life of the session. */
export function refuseDeclarations(client: ClientProfile): Outcome | undefined {
  const message = findDeclarationFault(client);
  return message === undefined
    ? undefined
    : { kind: 'error', error: { code: RpcCode.invalidParams, message }, httpStatus: 400, refused: true };
}

/** Sends the client's answer to a question to the session's owner. */
export async function sendAnswer(session: SessionHandle, message: JsonRpcResponse): Promise<void> {
  if (message.id === undefined || message.id === null) return;
  await session.answer(message.id, 'result' in message ? { result: message.result } : { error: message.error });
}
