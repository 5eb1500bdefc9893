import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { Caller, GatewayError } from '#lib/extension-kit';
import { eraOfRevision, isJsonObject, type Era, type JsonRpcRequest } from '#lib/mcp-protocol';
import { refusedCallerOf } from '../auth/index.js';
import { DEFAULT_ENDPOINT } from '../catalog/index.js';
import { CallRecorder, type CallAnswer, type CallTransport, type TrackedCall } from '../telemetry/index.js';
import { truncateLabel } from '../workers/index.js';
import type { Received } from './exchanges/exchange.js';
import type { ReplyWriter } from './reply-writer.js';

/** The client of a request, as the exchange of its era knows it. */
export interface RecordedClient {
  readonly transport: CallTransport;
  readonly era?: Era;
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
  /** Methods of the requests in the body. Undefined: the body was not read, or is no message. */
  readonly methods: readonly string[] | undefined;
}

const UNAUTHORIZED = 401;
const MCP_PATH = /^(?:\/servers\/(?<slug>[^/]+))?\/(?<route>mcp|rpc|sse|messages?)\/?$/;

/** Begins the record of each request at the MCP endpoints, and makes those of requests that are refused before dispatch. */
@Injectable()
export class RequestRecords {
  constructor(private readonly recorder: CallRecorder) {}

  /** The monotonic time, in milliseconds. */
  now(): number {
    return this.recorder.now();
  }

  begin({ caller, endpoint, arrival }: Received, message: JsonRpcRequest, client: RecordedClient): TrackedCall {
    const { params } = message;
    const meta = params?.['_meta'];
    return this.recorder.begin({
      receivedAt: arrival.receivedAt,
      bytesIn: arrival.bytesIn,
      forwardedFrom: arrival.forwardedFrom,
      traceparent: isJsonObject(meta) ? meta['traceparent'] : undefined,
      httpTraceparent: arrival.traceparent,
      caller,
      endpoint: endpoint.id,
      method: truncateLabel(message.method),
      ...client,
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

  /**
   * Records each request of a refused body, or one request if they are unknown. A request without a valid token is recorded
   * only if a header names its method: it may not be a request of an MCP client.
   */
  recordRefusal(request: RefusedHttpRequest, refusal: GatewayError): void {
    const named = request.headers['mcp-method'];
    const known = typeof named === 'string' ? truncateLabel(named) : undefined;
    if (request.method !== 'POST' || (refusal.httpStatus === UNAUTHORIZED && known === undefined)) return;
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

function toTransport(path: string): CallTransport {
  const route = MCP_PATH.exec(path)?.groups?.['route'];
  return route === 'rpc' || route === 'mcp' ? route : 'sse';
}
