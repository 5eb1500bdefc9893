import { Injectable } from '@nestjs/common';
import {
  classifyEra,
  decodeLegacyRequest,
  decodeModernRequest,
  encodeModernResult,
  failure,
  LATEST_LEGACY_REVISION,
  RpcCode,
  type JsonRpcRequest,
  type Outcome,
} from '#lib/mcp-protocol';
import { Dispatcher, type Inbound } from '../../dispatch/index.js';
import type { StreamSink } from '../../session-pool/index.js';
import { answerText, headed } from '../rpc-answers.js';
import type { Exchange } from './exchange.js';
import { legacyAnswer } from './legacy-replies.js';

/** Methods that need a session or a stream and cannot be answered with a single response. */
const NEEDS_MORE = new Set([
  'initialize',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
  'subscriptions/listen',
]);

/** Discards messages: a plain response has no place for messages before the outcome. */
const NOWHERE: StreamSink = { emit: () => undefined, end: () => undefined };

const STATUS_OF_CODE: Readonly<Record<number, number>> = {
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
  constructor(private readonly dispatcher: Dispatcher) {}

  async post(exchange: Exchange, message: JsonRpcRequest): Promise<void> {
    const { writer } = exchange;
    const inbound = NEEDS_MORE.has(message.method) ? noSuchMethod(message) : inboundOf(exchange, message);
    const disconnect = new AbortController();
    let isAnswered = false;
    writer.onClosed(() => isAnswered || disconnect.abort());
    const outcome = 'kind' in inbound ? inbound : await this.dispatcher.dispatch(inbound, NOWHERE, disconnect.signal);
    isAnswered = true;
    headed(writer, outcome).json(statusOf(outcome), textOf(message, outcome));
  }
}

function inboundOf({ caller, endpoint }: Exchange, message: JsonRpcRequest): Inbound | Outcome {
  const shared = { caller, endpoint, requestId: message.id };
  if (!isModern(message)) {
    const client = { revision: LATEST_LEGACY_REVISION, capabilities: {} };
    return { ...shared, client, request: decodeLegacyRequest(message), repeatsItself: false };
  }
  const decoded = decodeModernRequest(message);
  return 'error' in decoded ? failure(decoded.error) : { ...shared, ...decoded, repeatsItself: true };
}

/** A request that declares the modern revision is answered in modern form, any other in legacy form. */
const isModern = (message: JsonRpcRequest): boolean =>
  message.method !== 'server/discover' && classifyEra(message) === 'modern';

const noSuchMethod = ({ method }: JsonRpcRequest): Outcome =>
  failure({ code: RpcCode.methodNotFound, message: `${method} needs a session or a stream. Use /mcp instead.` });

function textOf(message: JsonRpcRequest, outcome: Outcome): string {
  if (outcome.kind === 'error' || !isModern(message)) {
    return legacyAnswer(message.id, message.method, outcome, LATEST_LEGACY_REVISION);
  }
  return answerText(message.id, { kind: 'result', result: encodeModernResult(message.method, outcome.result) });
}

function statusOf(outcome: Outcome): number {
  if (outcome.kind === 'result') return 200;
  return outcome.httpStatus ?? STATUS_OF_CODE[outcome.error.code] ?? 502;
}
