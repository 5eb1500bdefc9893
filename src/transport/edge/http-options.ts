import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, RawRequestDefaultExpression } from 'fastify';
import { SystemClock } from '#lib/time';
import { answerBadTarget, answerClientError } from './client-errors.js';
import { addFormCheck } from './form-check.js';
import { addPublicPath, toServedTarget } from './public-path.js';
import { DeferredContinueRequest, DeferredContinueResponse } from './deferred-continue.js';

/** Node's bound against slow senders: the head and body of a request must arrive within this time. */
const REQUEST_TIMEOUT_MS = 60_000;
/** Longer than the idle timeouts of common load balancers, so that the load balancer closes idle connections. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;

const MAX_PARAMETER_LENGTH = 16_384;

/**
 * Creates the HTTP server of a gateway: its limits, and its checks before routing. Requests below `publicPath`, the path of
 * the public URL, are served like those without it.
 */
export function createHttpAdapter(publicPath = ''): FastifyAdapter {
  const clock = new SystemClock();
  const adapter = new FastifyAdapter({
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: {
      IncomingMessage: DeferredContinueRequest,
      ServerResponse: DeferredContinueResponse,
      // Node would answer without a body; `findContradiction` says what is missing.
      requireHostHeader: false,
    },
    clientErrorHandler: (fault, socket) => answerClientError(fault, socket, clock),
    frameworkErrors: (fault: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
      answerBadTarget(fault, request.raw, reply.raw, clock),
    // The gateway itself rejects requests during a drain, with an error of their protocol.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // The gateway uses neither Express middleware nor Fastify's request id, which cost 5 µs per call.
    skipMiddie: true,
    ...(publicPath !== '' && {
      rewriteUrl: ({ url = '/' }: RawRequestDefaultExpression) => toServedTarget(url, publicPath),
    }),
    genReqId: () => '',
    // Item names are part of paths, and URIs of resources can be long.
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH, ignoreTrailingSlash: true },
  });
  addFormCheck(adapter.getInstance<FastifyInstance>(), clock);
  if (publicPath !== '') addPublicPath(adapter.getInstance<FastifyInstance>(), publicPath);
  return adapter;
}
