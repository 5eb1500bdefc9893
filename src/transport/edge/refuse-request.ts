import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { GatewayError } from '#lib/extension-kit';
import type { Clock } from '#lib/time';
import { toRefusalHeaders, toRefusalText } from '../rpc-responses.js';
import { closeUnlessReceived } from './lingering-close.js';
import { toOriginForm } from './request-form.js';

/** Answers a request that reaches no route, in the form of the errors of its path. */
export function refuseRequest(
  request: IncomingMessage,
  response: ServerResponse,
  refusal: GatewayError,
  clock: Clock,
): void {
  const isAdmin = toOriginForm(request.url ?? '/').startsWith('/admin/');
  const body = isAdmin ? toProblemText(refusal) : toRefusalText(refusal.toRpcError());
  response.writeHead(refusal.httpStatus, {
    ...toRefusalHeaders(refusal),
    ...closeUnlessReceived(request, clock),
    'content-type': isAdmin ? 'application/problem+json' : 'application/json',
    'content-length': String(Buffer.byteLength(body)),
  });
  response.end(body);
}

/** A problem document (RFC 9457), the form of every error of the admin API. */
function toProblemText({ httpStatus, message, code }: GatewayError): string {
  return JSON.stringify({ title: STATUS_CODES[httpStatus] ?? 'Error', detail: message, code, status: httpStatus });
}
