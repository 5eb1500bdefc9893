import { Injectable } from '@nestjs/common';
import { classifyEra, readBatch, readMessage, type JsonValue } from '#lib/mcp-protocol';
import { singleHeader, type Exchange } from './exchanges/exchange.js';
import { LegacyExchange } from './exchanges/legacy.exchange.js';
import { MalformedMessage, validateMessage, type ValidMessage } from './exchanges/legacy-messages.js';
import { ModernExchange } from './exchanges/modern.exchange.js';
import { PlainExchange } from './exchanges/plain.exchange.js';
import { SseExchange } from './exchanges/sse.exchange.js';
import { readJsonBody } from './http-request.js';
import { BadRequest, RefusedRequest } from './transport.errors.js';

/** An admitted request with its body and query. */
export interface EndpointRequest extends Exchange {
  readonly body: unknown;
  readonly query: Readonly<Record<string, unknown>>;
}

/** Maximum number of records of one refused batch. */
const MAX_RECORDED_REFUSALS = 100;

const POST_ONLY = { allow: 'POST' };

/** Passes a request to the exchange of its endpoint and era. */
@Injectable()
export class McpEndpoints {
  constructor(
    private readonly modern: ModernExchange,
    private readonly legacy: LegacyExchange,
    private readonly sse: SseExchange,
    private readonly plain: PlainExchange,
  ) {}

  async post(request: EndpointRequest): Promise<void> {
    const { headers, body } = request;
    const value = readJsonBody(body);
    const batch = readBatch(value);
    if (batch) return this.legacy.postBatch(request, batch).catch(withMethods(batch));
    const reading = validateMessage(value);
    if (reading.kind === 'response') return this.legacy.post(request, reading).catch(withRequestId(reading));
    const era = classifyEra(reading.message, singleHeader(headers, 'mcp-protocol-version'));
    if (era === 'legacy') return this.legacy.post(request, reading).catch(withRequestId(reading));
    if (reading.kind === 'notification')
      return this.modern.notify(request, reading.message).catch(withRequestId(reading));
    return this.modern.post(request, reading.message);
  }

  async get(request: EndpointRequest): Promise<void> {
    rejectModernRevision(request);
    return this.legacy.openStream(request);
  }

  async delete(request: EndpointRequest): Promise<void> {
    rejectModernRevision(request);
    return this.legacy.end(request);
  }

  async openSse(request: EndpointRequest): Promise<void> {
    return this.sse.openStream(request);
  }

  async postMessage(request: EndpointRequest): Promise<void> {
    const { body, query } = request;
    const { sessionId } = query;
    const reading = validateMessage(readJsonBody(body));
    const session = typeof sessionId === 'string' ? sessionId : undefined;
    return this.sse.post(request, session, reading).catch(withRequestId(reading));
  }

  async postPlain(request: EndpointRequest): Promise<void> {
    const value = readJsonBody(request.body);
    if (readBatch(value))
      throw new BadRequest('Batches are not supported at this endpoint. Send one message per request.');
    const reading = validateMessage(value);
    if (reading.kind === 'response')
      throw new BadRequest('This endpoint sends no requests to clients, so it accepts no responses.');
    if (reading.kind === 'notification')
      return this.plain.notify(request, reading.message).catch(withRequestId(reading));
    return this.plain.post(request, reading.message);
  }
}

/** Adds the request id to an error, so that the error response answers the request. */
function withRequestId(reading: ValidMessage) {
  return (cause: unknown): never => {
    const { id, methods } =
      reading.kind === 'request'
        ? { id: reading.message.id, methods: [reading.message.method] }
        : { id: undefined, methods: [] };
    throw new RefusedRequest(cause, id, methods);
  };
}

/** Adds the methods of the requests in a batch to an error. */
function withMethods(batch: readonly JsonValue[]) {
  return (cause: unknown): never => {
    const readings = batch.slice(0, MAX_RECORDED_REFUSALS).map(readMessage);
    const methods = readings.flatMap((reading) => {
      if (reading.kind === 'invalid') return [undefined];
      return reading.kind === 'request' ? [reading.message.method] : [];
    });
    const id = cause instanceof MalformedMessage ? cause.id : undefined;
    // An empty batch is a malformed request.
    throw new RefusedRequest(cause, id, batch.length === 0 ? undefined : methods);
  };
}

/** Without sessions there is nothing to GET or DELETE (specification 2026: basic/transports/streamable-http). */
function rejectModernRevision({ headers }: Exchange): void {
  const version = singleHeader(headers, 'mcp-protocol-version');
  const isStateless = version !== undefined && classifyEra({ method: 'GET' }, version) === 'modern';
  if (isStateless) throw new BadRequest('This revision has neither sessions nor a GET stream.', 405, POST_ONLY);
}
