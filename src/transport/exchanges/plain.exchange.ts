import { Injectable } from '@nestjs/common';
import {
  classifyEra,
  decodeLegacyRequest,
  decodeModernNotification,
  decodeModernRequest,
  encodeModernResult,
  failure,
  LATEST_LEGACY_REVISION,
  RpcCode,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type Outcome,
} from '#lib/mcp-protocol';
import { ClientNotifications, type Inbound } from '../../dispatch/index.js';
import type { StreamSink } from '../../session-pool/index.js';
import { RefusalRecorder } from '../refusal-recorder.js';
import { RequestRecords, toCallAnswer, type RecordedClient } from '../request-records.js';
import { toRefusalText, toResponseText, withRetryAfter } from '../rpc-responses.js';
import type { Exchange } from './exchange.js';
import { toLegacyResponseText } from './legacy-replies.js';

/** Methods that need a session or a stream and cannot be answered with a single response. */
const METHODS_NEEDING_SESSION = new Set([
  'initialize',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
  'subscriptions/listen',
]);

/** Discards messages: a plain response has no place for messages before the outcome. */
const NO_OP_SINK: StreamSink = { emit: () => undefined, end: () => undefined };

const STATUS_BY_CODE: Readonly<Record<number, number>> = {
  [RpcCode.parseError]: 400,
  [RpcCode.invalidRequest]: 400,
  [RpcCode.invalidParams]: 400,
  [RpcCode.methodNotFound]: 404,
  [RpcCode.resourceNotFound]: 404,
  [RpcCode.headerMismatch]: 400,
  [RpcCode.missingClientCapability]: 400,
  [RpcCode.unsupportedProtocolVersion]: 400,
  [RpcCode.internalError]: 500,
};

/** Plain JSON-RPC over HTTP for scripts: one request, one JSON response, no session. The HTTP status reports failures, too. */
@Injectable()
export class PlainExchange {
  constructor(
    private readonly dispatcher: RefusalRecorder,
    private readonly records: RequestRecords,
    private readonly notifications: ClientNotifications,
  ) {}

  async notify({ caller, endpoint, writer }: Exchange, message: JsonRpcNotification): Promise<void> {
    const decoded = isModern(message) ? decodeModernNotification(message) : toPlainNotification(message);
    if ('error' in decoded) return writer.json(400, toRefusalText(decoded.error));
    const { client, notification } = decoded;
    await this.notifications.forwardWithoutSession({ caller, endpoint, client }, notification, writer.closeSignal());
    writer.empty(202);
  }

  async post(exchange: Exchange, message: JsonRpcRequest): Promise<void> {
    const { writer } = exchange;
    const inbound = METHODS_NEEDING_SESSION.has(message.method)
      ? methodNeedsSession(message)
      : toInbound(exchange, message);
    const record = this.records.begin(exchange, message, toRecordedClient(inbound));
    const disconnect = new AbortController();
    let isAnswered = false;
    writer.onClosed(() => isAnswered || disconnect.abort());
    const outcome =
      'kind' in inbound
        ? inbound
        : await this.dispatcher.dispatch(exchange.source, { ...inbound, record }, NO_OP_SINK, disconnect.signal);
    isAnswered = true;
    const status = toStatus(outcome);
    const body = toBody(message, outcome);
    const answer = toCallAnswer(writer, status, body);
    withRetryAfter(writer, outcome, status).json(status, body);
    record.end(outcome, answer);
  }
}

const PLAIN_CLIENT = { revision: LATEST_LEGACY_REVISION, capabilities: {} };

const toPlainNotification = ({ method, params = {} }: JsonRpcNotification) => ({
  client: PLAIN_CLIENT,
  notification: { method, params },
});

function toInbound({ caller, endpoint }: Exchange, message: JsonRpcRequest): Inbound | Outcome {
  const shared = { caller, endpoint, requestId: message.id };
  if (!isModern(message)) {
    return { ...shared, client: PLAIN_CLIENT, request: decodeLegacyRequest(message), clientRepeatsCall: false };
  }
  const decoded = decodeModernRequest(message);
  return 'error' in decoded ? failure(decoded.error) : { ...shared, ...decoded, clientRepeatsCall: true };
}

function toRecordedClient(inbound: Inbound | Outcome): RecordedClient {
  const revision = 'kind' in inbound ? undefined : inbound.client.revision;
  return { transport: 'rpc', revision };
}

/** A request that declares the modern revision is answered in modern form, any other in legacy form. */
const isModern = (message: JsonRpcRequest | JsonRpcNotification): boolean =>
  message.method !== 'server/discover' && classifyEra(message) === 'modern';

const methodNeedsSession = ({ method }: JsonRpcRequest): Outcome =>
  failure({ code: RpcCode.methodNotFound, message: `${method} needs a session or a stream. Use /mcp instead.` });

function toBody(message: JsonRpcRequest, outcome: Outcome): string {
  if (outcome.kind === 'error' || !isModern(message)) {
    return toLegacyResponseText(message.id, message.method, outcome, LATEST_LEGACY_REVISION);
  }
  return toResponseText(message.id, { kind: 'result', result: encodeModernResult(message.method, outcome.result) });
}

function toStatus(outcome: Outcome): number {
  if (outcome.kind === 'result') return 200;
  return outcome.httpStatus ?? STATUS_BY_CODE[outcome.error.code] ?? 502;
}
