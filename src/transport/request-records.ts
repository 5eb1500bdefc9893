import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { Caller, CallTransport, GatewayError } from '#lib/extension-kit';
import { eraOfRevision, failure, isJsonObject, type JsonRpcRequest, type RpcError } from '#lib/mcp-protocol';
import { refusedCallerOf } from '../auth/index.js';
import { DEFAULT_ENDPOINT } from '../catalog/index.js';
import { CallRecorder, type CallAnswer, type TrackedCall } from '../telemetry/index.js';
import { truncateLabel } from '../workers/index.js';
import type { Received } from './exchanges/exchange.js';
import type { ReplyWriter } from './reply-writer.js';

/** The client of a request, as the exchange of its era knows it. */
export interface RecordedClient {
  readonly transport: CallTransport;
  readonly revision?: string | undefined;
  /** Id of the legacy session. */
  readonly session?: string;
}

/** A refused HTTP request, and what is known about the JSON-RPC requests in it. */
export interface RefusedHttpRequest {
  readonly method: string;
  readonly path: string;
  readonly slug: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly receivedAt: number;
  readonly caller: Caller | undefined;
  /** Methods of the requests in the body, undefined for a malformed one. Undefined: the body was not read, or is no message. */
  readonly methods: readonly (string | undefined)[] | undefined;
}

const MCP_PATH = /^(?:\/servers\/(?<slug>[^/]+))?\/(?<route>mcp|rpc|sse|messages?)\/?$/;

/** Begins the record of each request at the MCP endpoints, and makes those of requests that are refused before dispatch. */
@Injectable()
export class RequestRecords {
  constructor(private readonly recorder: CallRecorder) {}

  /** The monotonic time, in milliseconds. */
  now(): number {
    return this.recorder.now();
  }

  begin(received: Received, { id, method, params }: JsonRpcRequest, client: RecordedClient): TrackedCall {
    const meta = params?.['_meta'];
    const traceparent = isJsonObject(meta) ? meta['traceparent'] : undefined;
    return this.start(received, client, { id, method: truncateLabel(method), traceparent, params });
  }

  /** Records a malformed member of a batch, which has no readable method. */
  recordMalformed(received: Received, client: RecordedClient, error: RpcError, answer: CallAnswer): void {
    this.start(received, client, { method: undefined }).end(failure(error), answer);
  }

  private start(
    { caller, endpoint, arrival, source }: Received,
    client: RecordedClient,
    message: Pick<Parameters<CallRecorder['begin']>[0], 'id' | 'method' | 'traceparent' | 'params'>,
  ): TrackedCall {
    return this.recorder.begin({
      receivedAt: arrival.receivedAt,
      bytesIn: arrival.bytesIn,
      forwardedFrom: arrival.forwardedFrom,
      httpTraceparent: arrival.traceparent,
      caller,
      source,
      endpoint: endpoint.id,
      ...message,
      transport: client.transport,
      session: client.session,
      // A client may claim any revision.
      revision: client.revision !== undefined && eraOfRevision(client.revision) ? client.revision : undefined,
    });
  }

  /** Records a request from a foreign host or page, if it is one to an MCP endpoint. */
  recordForeign({ method = '', url = '', headers }: IncomingMessage, refusal: GatewayError): void {
    const path = url.split('?', 1)[0] ?? '';
    const matched = MCP_PATH.exec(path);
    if (!matched) return;
    const { slug } = matched.groups ?? {};
    const unread = { caller: undefined, methods: undefined };
    this.recordRefusal({ method, path, slug, headers, receivedAt: this.now(), ...unread }, refusal);
  }

  /** Records each request of a refused body, or one request if they are unknown. */
  recordRefusal(request: RefusedHttpRequest, refusal: GatewayError): void {
    if (request.method !== 'POST') return;
    const named = request.headers['mcp-method'];
    const known = typeof named === 'string' ? truncateLabel(named) : undefined;
    for (const method of request.methods ?? [known]) {
      this.recorder
        .begin({
          receivedAt: request.receivedAt,
          transport: toTransport(request.path),
          endpoint: request.slug === undefined ? DEFAULT_ENDPOINT : truncateLabel(request.slug),
          caller: request.caller ?? refusedCallerOf(refusal),
          method: method === undefined ? undefined : truncateLabel(method),
          httpTraceparent: request.headers['traceparent'],
        })
        .end(refusal.toOutcome(), { httpStatus: refusal.httpStatus });
    }
  }
}

/** How a request is about to be answered with this text. Call it before the text is written. */
export const toCallAnswer = (writer: ReplyWriter, status: number, text: string): CallAnswer => ({
  httpStatus: writer.isStreaming ? 200 : status,
  bytesOut: Buffer.byteLength(text),
  hasClientLeft: writer.isClosed,
});

/** Of an endpoint, also where the admin page reaches it. */
function toTransport(path: string): CallTransport {
  const [, route] = /\/(mcp|rpc)\/?$/.exec(path) ?? [];
  return route === 'rpc' || route === 'mcp' ? route : 'sse';
}
