import type { IncomingHttpHeaders } from 'node:http';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import { GatewayError } from '#lib/extension-kit';
import { RpcCode, type RequestId } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { Readiness } from '../lifecycle/index.js';
import { Admission, type Admitted } from './admission.js';
import { closeUnlessReceived } from './edge/index.js';
import { singleHeader } from './exchanges/exchange.js';
import { acceptsType, requireJsonHeaders } from './http-request.js';
import { McpEndpoints, type EndpointRequest } from './mcp-endpoints.js';
import { RefusalRecorder } from './refusal-recorder.js';
import { ReplyWriter } from './reply-writer.js';
import { RequestRecords, type RefusedHttpRequest } from './request-records.js';
import { toRefusalHeaders, toRefusalText } from './rpc-responses.js';
import { TransportConfig } from './transport.config.js';
import { BadRequest, BodyTooLarge, RefusedRequest } from './transport.errors.js';

type Serve = (request: EndpointRequest) => Promise<void>;
type Method = 'GET' | 'POST' | 'DELETE';
type Verbs = Partial<Record<Method, Serve>>;

type Admit = (...request: Parameters<Admission['admitFromPage']>) => Admitted | Promise<Admitted>;

type AdmittedRequest = FastifyRequest & { admitted: Admitted | null; receivedAt: number };

/** The id and the methods of the requests in a refused body, as far as they are known. */
type RefusedBody = Partial<Pick<RefusedRequest, 'id' | 'methods'>>;

/** Paths of the gateway as a whole and of one server. */
const BASES = ['', '/servers/:slug'];
/** Path below which the admin page reaches the endpoints with its session. */
const PAGE_BASE = '/admin/ui/mcp';

const CLOSE_CONNECTION = { connection: 'close' };

const INTERNAL_ERROR = new GatewayError(RpcCode.internalError, 'Internal error', 500);

/**
 * Registers the MCP endpoints on the HTTP server. They are routes of the server itself, not Nest controllers: the context,
 * guards, pipes and interceptors of a controller cost more than the rest of a call (decision 4).
 */
@Injectable()
export class McpRoutes implements OnModuleInit {
  private readonly logger = new Logger(McpRoutes.name);

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly endpoints: McpEndpoints,
    private readonly admission: Admission,
    private readonly clock: Clock,
    private readonly config: TransportConfig,
    private readonly readiness: Readiness,
    private readonly refusals: RefusalRecorder,
    private readonly records: RequestRecords,
  ) {}

  async onModuleInit(): Promise<void> {
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    const { admission } = this;
    // Separate Fastify scopes: their bodies are read as bytes, and their error responses are JSON-RPC.
    await server.register(async (scope) => {
      this.registerOn(scope, (...request) => admission.admit(...request));
      for (const base of BASES) this.addEndpoints(scope, base);
    });
    // The admin page sends no token, and the endpoints themselves accept no cookie: it has routes of its own.
    await server.register(async (scope) => {
      this.registerOn(scope, (...request) => admission.admitFromPage(...request));
      for (const base of BASES) this.addPageEndpoints(scope, PAGE_BASE + base);
    });
  }

  private registerOn(scope: FastifyInstance, admit: Admit): void {
    scope.removeAllContentTypeParsers();
    const asBytes = { parseAs: 'buffer', bodyLimit: this.config.maxBodyBytes } as const;
    scope.addContentTypeParser('*', asBytes, (_request, body, done) => done(null, body));
    scope.setErrorHandler((cause: FastifyError, request, reply) => {
      reply.hijack();
      this.refuse(this.createWriter(reply), this.toRefusal(cause), {}, request);
    });
    // Admission runs before the body is read, so that unauthenticated callers cannot use memory.
    scope.decorateRequest('admitted', null);
    scope.decorateRequest('receivedAt', 0);
    scope.addHook('onRequest', (request, reply, done) => this.admit(admit, request, reply, done));
  }

  private addEndpoints(scope: FastifyInstance, base: string): void {
    const { endpoints } = this;
    this.addPageEndpoints(scope, base);
    this.addRoute(scope, `${base}/sse`, { GET: (request) => endpoints.openSse(request) });
    for (const path of ['/messages', '/message']) {
      this.addRoute(scope, base + path, { POST: (request) => endpoints.postMessage(request) });
    }
  }

  /** Not those of HTTP+SSE, whose stream announces an address without the path of the page. */
  private addPageEndpoints(scope: FastifyInstance, base: string): void {
    const { endpoints } = this;
    const verbs: Verbs = {
      POST: (request) => endpoints.post(request),
      GET: (request) => endpoints.get(request),
      DELETE: (request) => endpoints.delete(request),
    };
    this.addRoute(scope, `${base}/mcp`, verbs, ['application/json']);
    this.addRoute(scope, `${base}/rpc`, { POST: (request) => endpoints.postPlain(request) });
  }

  /** A POST is served to clients that accept the types in `accepted`. */
  private addRoute(scope: FastifyInstance, url: string, verbs: Verbs, accepted: readonly string[] = []): void {
    const methods = Object.keys(verbs) as Method[];
    for (const [method, serve] of Object.entries(verbs)) {
      // A HEAD request would open a session or a stream without a reader.
      const onRequest = method === 'POST' ? toHeaderCheck((headers) => requireJsonHeaders(headers, ...accepted)) : [];
      scope.route({ method, url, exposeHeadRoute: false, onRequest, handler: this.toHandler(serve) });
    }
    const others = (['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const).filter(
      (verb) => !methods.includes(verb as Method),
    );
    const allow = methods.join(', ');
    const refused = new BadRequest(`Method not allowed. Use ${allow}.`, 405, { allow });
    scope.route({ method: others, url, onRequest: toHeaderCheck(() => rejectWith(refused)), handler: () => undefined });
  }

  private toHandler(serve: Serve) {
    return (request: FastifyRequest, reply: FastifyReply): void => {
      reply.hijack();
      const { admitted, receivedAt, raw, body, query } = request as AdmittedRequest & { admitted: Admitted };
      const writer = this.createWriter(reply, acceptsType(raw.headers, 'text/event-stream'));
      const { caller, endpoint, source, onSessionEnded } = admitted;
      if (onSessionEnded) writer.onClosed(onSessionEnded(() => writer.abort()));
      if (caller.accessToken !== undefined) writer.onClosed(this.admission.watchToken(caller, () => writer.abort()));
      const known = query as EndpointRequest['query'];
      const { headers } = raw;
      const arrival = { receivedAt, bytesIn: toLength(body), traceparent: singleHeader(headers, 'traceparent') };
      serve({ caller, endpoint, source, arrival, headers, writer, body, query: known }).catch((cause: unknown) => {
        const refused = cause instanceof RefusedRequest ? cause.cause : cause;
        const refusedBody = cause instanceof RefusedRequest ? cause : { id: readRequestId(cause) };
        this.refuse(writer, this.toRefusal(refused), refusedBody, request);
      });
    };
  }

  private admit(admit: Admit, request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    const { slug } = request.params as { slug?: string };
    (request as AdmittedRequest).receivedAt = this.records.now();
    const source = this.admission.describe(request.raw);
    const refuse = (cause: unknown) => {
      reply.hijack();
      this.refusals.recordRefused(source, cause);
      this.refuse(this.createWriter(reply), this.toRefusal(cause), {}, request);
    };
    const enter = (admitted: Admitted) => {
      (request as AdmittedRequest).admitted = admitted;
      done();
    };
    try {
      const admitting = admit(request.raw, source, slug);
      if (admitting instanceof Promise) admitting.then(enter, refuse);
      else enter(admitting);
    } catch (cause) {
      refuse(cause);
    }
  }

  private createWriter(reply: FastifyReply, acceptsStream = true): ReplyWriter {
    // An open connection would carry the next request to a worker that has stopped by then.
    const headers = this.readiness.isDraining ? CLOSE_CONNECTION : undefined;
    return new ReplyWriter(reply.raw, this.config.maxStreamBufferBytes, headers, acceptsStream);
  }

  private toRefusal(cause: unknown): GatewayError {
    if (cause instanceof GatewayError) return cause;
    const status = cause instanceof Error && 'statusCode' in cause ? Number(cause.statusCode) : 500;
    if (status === 413) return new BodyTooLarge(this.config.maxBodyBytes);
    if (status >= 400 && status < 500) return new BadRequest('The HTTP request is malformed.', status);
    this.logger.error('Request failed unexpectedly', cause instanceof Error ? cause.stack : String(cause));
    return INTERNAL_ERROR;
  }

  private refuse(writer: ReplyWriter, refusal: GatewayError, body: RefusedBody, request: FastifyRequest): void {
    this.records.recordRefusal(toRefusedHttpRequest(request as AdmittedRequest, body), refusal);
    if (writer.isStreaming) return writer.end();
    return writer
      .withHeaders({ ...toRefusalHeaders(refusal), ...closeUnlessReceived(request.raw, this.clock) })
      .json(refusal.httpStatus, toRefusalText(refusal.toRpcError(), body.id));
  }
}

function rejectWith(refusal: GatewayError): never {
  throw refusal;
}

/** Runs after admission and before the body is read, so that a client that expects 100 Continue sends no refused body. */
function toHeaderCheck(check: (headers: IncomingHttpHeaders) => void): onRequestHookHandler {
  return (request, _reply, done) => {
    try {
      check(request.headers);
    } catch (cause) {
      return done(cause as FastifyError);
    }
    return done();
  };
}

/** Returns the request id of a malformed message, if it could be read. */
function readRequestId(refused: unknown): RequestId | undefined {
  return refused instanceof Error && 'id' in refused ? (refused.id as RequestId | undefined) : undefined;
}

const toLength = (body: unknown): number | undefined => (body instanceof Buffer ? body.length : undefined);

function toRefusedHttpRequest(request: AdmittedRequest, { methods }: RefusedBody): RefusedHttpRequest {
  const { method, raw, params, admitted, receivedAt } = request;
  const { slug } = params as { slug?: string };
  const path = (raw.url ?? '').split('?', 1)[0] ?? '';
  return { method, path, slug, headers: raw.headers, receivedAt, caller: admitted?.caller, methods };
}
