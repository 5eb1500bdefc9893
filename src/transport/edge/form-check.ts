import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '#lib/time';
import { endWithRefusal } from './client-errors.js';
import { closeUnlessReceived } from './lingering-close.js';
import { refuseRequest } from './refuse-request.js';
import { findContradiction, MalformedRequest, toOriginForm } from './request-form.js';

const NO_TUNNELS = new MalformedRequest('CONNECT is not supported: the gateway is not a proxy.', 405, {
  allow: 'GET, POST, PUT, PATCH, DELETE',
});
const UNKNOWN_EXPECTATION = new MalformedRequest('Expect must be 100-continue. Send the request without it.', 417);

/**
 * Rejects requests that contradict themselves, before any other hook and route. Later code sees the target as a path.
 * Register it first.
 */
export function addFormCheck(fastify: FastifyInstance, clock: Clock): void {
  fastify.addHook('onRequest', ({ raw }: FastifyRequest, reply: FastifyReply, done) => {
    // The bytes behind a refused request belong to its body, whatever they look like.
    if (raw.socket.writableEnded) {
      reply.hijack();
      return void raw.socket.destroy();
    }
    const contradiction = findContradiction(raw);
    if (contradiction) {
      reply.hijack();
      return refuseRequest(raw, reply.raw, contradiction, clock);
    }
    raw.url = toOriginForm(raw.url ?? '/');
    return done();
  });
  // Controllers answer before they have read the body of a refused request.
  fastify.addHook('onSend', (request, reply, payload, done) => {
    void reply.headers(closeUnlessReceived(request.raw, clock));
    done(null, payload);
  });
  const { server }: { readonly server: Server } = fastify;
  server.on('connect', (_request: IncomingMessage, socket: Socket) => refuseTunnel(socket, clock));
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
    refuseRequest(request, response, UNKNOWN_EXPECTATION, clock),
  );
}

/** Node removes its listeners from the socket before it reports the tunnel. */
function refuseTunnel(socket: Socket, clock: Clock): void {
  // Without a listener, a reset by the client would end the process. The stream destroys the socket by itself.
  socket.on('error', () => undefined);
  endWithRefusal(socket, NO_TUNNELS, clock);
  // Nothing else reads the socket, and an unread end would keep it open.
  socket.resume();
}
