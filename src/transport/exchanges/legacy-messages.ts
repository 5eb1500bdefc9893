import {
  decodeLegacyRequest,
  isJsonObject,
  isRequestId,
  readMessage,
  type ClientProfile,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type JsonValue,
  type MessageReading,
} from '#lib/mcp-protocol';
import type { SessionHandle } from '../../affinity/index.js';
import type { Inbound } from '../../dispatch/index.js';
import type { Admitted } from '../admission.js';
import { BadRequest } from '../transport.errors.js';

/** Methods of the modern era that a legacy client cannot mean. */
const MODERN_ONLY = new Set(['server/discover', 'subscriptions/listen']);

export const isLegacyMethod = (method: string): boolean => !MODERN_ONLY.has(method);

export type ValidMessage = Exclude<MessageReading, { kind: 'invalid' }>;

/** A message that can be understood. @throws MalformedMessage */
export function validateMessage(value: JsonValue): ValidMessage {
  const reading = readMessage(value);
  if (reading.kind === 'invalid') throw new MalformedMessage(reading);
  return reading;
}

/** 400 with the id of the request, where that could be read. */
export class MalformedMessage extends BadRequest {
  readonly id: OptionalRequestId;

  constructor(reading: Extract<MessageReading, { kind: 'invalid' }>) {
    super(reading.error.message);
    this.id = reading.id;
  }
}

type OptionalRequestId = Extract<MessageReading, { kind: 'invalid' }>['id'] | undefined;

/** A request of a session in neutral form. */
export function toSessionInbound(admitted: Admitted, session: SessionHandle, message: JsonRpcRequest): Inbound {
  return {
    caller: admitted.caller,
    endpoint: admitted.endpoint,
    client: session.client,
    session,
    requestId: message.id,
    request: decodeLegacyRequest(message),
    repeatsItself: false,
  };
}

/** Who the client says it is in its handshake (specification 2025: basic/lifecycle, Initialization). */
export function toClientProfile({ params = {} }: JsonRpcRequest, revision: string): ClientProfile {
  const { capabilities, clientInfo } = params;
  return {
    revision,
    capabilities: isJsonObject(capabilities) ? capabilities : {},
    ...(isJsonObject(clientInfo) && { clientInfo }),
  };
}

/** Takes a notification to the session's owner. */
export async function sendNotification(session: SessionHandle, message: JsonRpcNotification): Promise<void> {
  const { method, params = {} } = message;
  // Nobody has to do anything about it, but its session may have ended: only the owner can tell.
  if (method === 'notifications/initialized') return session.touch();
  if (method === 'notifications/cancelled') {
    const { requestId } = params;
    if (isRequestId(requestId)) await session.cancel(requestId);
    return;
  }
  await session.notify({ method, params });
}

/** Takes the answer to a question to the session's owner. */
export async function sendAnswer(session: SessionHandle, message: JsonRpcResponse): Promise<void> {
  if (message.id === undefined || message.id === null) return;
  await session.answer(message.id, 'result' in message ? { result: message.result } : { error: message.error });
}
