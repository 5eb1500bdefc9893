import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  BadGatewayException,
  BadRequestException,
  ConflictException,
  ForbiddenException,
  GatewayTimeoutException,
  HttpException,
  InternalServerErrorException,
  Logger,
  NotFoundException,
  PayloadTooLargeException,
  ServiceUnavailableException,
  UnauthorizedException,
  type ExecutionContext,
} from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { lastValueFrom, of, throwError } from 'rxjs';
import { result } from '#lib/mcp-protocol';
import { ForwardedRpcInterceptor } from './forwarded-rpc.interceptor.js';
import { WorkerSignal } from './worker-signal.js';
import { OwnerUnreachable } from './workers.errors.js';

class AnywhereElse extends WorkerSignal {
  constructor() {
    super(-1, 'It is anywhere else.', 503);
  }

  override toReply() {
    return { kind: 'elsewhere' };
  }
}

const context = { getHandler: () => function call() {} } as unknown as ExecutionContext;

const envelopeOf = (cause: unknown) =>
  lastValueFrom(new ForwardedRpcInterceptor().intercept(context, { handle: () => throwError(() => cause) }));

beforeEach(() => Logger.overrideLogger(false));
afterEach(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

describe('ForwardedRpcInterceptor', () => {
  it.each([
    [400, 'unknown', 'no', new BadRequestException('no')],
    [401, 'not_executed', 'Unauthorized request', new UnauthorizedException({ detail: 'Unauthorized request' })],
    [403, 'not_executed', 'Forbidden', new ForbiddenException()],
    [404, 'not_executed', 'nothing here', new NotFoundException('nothing here')],
    [409, 'unknown', 'Conflict', new ConflictException()],
    [413, 'not_executed', 'Payload Too Large', new PayloadTooLargeException()],
    [429, 'not_executed', 'slow down', new HttpException('slow down', 429)],
    [500, 'unknown', 'Internal Server Error', new InternalServerErrorException()],
    [502, 'unknown', 'Bad Gateway', new BadGatewayException({})],
    [503, 'unknown', 'Service Unavailable', new ServiceUnavailableException()],
    [504, 'unknown', 'Gateway Timeout', new GatewayTimeoutException()],
  ])('converts HTTP status %i into outcome %s with the reason %s', async (status, outcome, detail, cause) => {
    expect(await envelopeOf(cause)).toEqual({
      kind: 'error',
      httpStatus: 502,
      error: {
        code: -31004,
        message: `Upstream answered HTTP ${status}: ${detail}`,
        data: { outcome, retriable: status === 429, httpStatus: status },
      },
    });
  });

  it('preserves a JSON-RPC error that an HTTP exception carries', async () => {
    const error = { code: -32042, message: 'Elicit first', data: { url: 'x' } };
    expect(await envelopeOf(new HttpException({ jsonrpc: '2.0', id: 1, error }, 403))).toEqual({
      kind: 'error',
      httpStatus: 403,
      error: { ...error, data: { url: 'x', httpStatus: 403 } },
    });
  });

  it('converts a GatewayError into an outcome with its own code', async () => {
    const cause = new OwnerUnreachable();
    expect(await envelopeOf(cause)).toEqual(cause.toOutcome());
  });

  it('converts an RPC exception into an error with its code, message and status', async () => {
    const thrown = { code: -30007, message: 'Thrown on purpose', data: { why: 1 }, httpStatus: 418 };
    expect(await envelopeOf(new RpcException(thrown))).toEqual({
      kind: 'error',
      httpStatus: 418,
      error: { code: -30007, message: 'Thrown on purpose', data: { why: 1, httpStatus: 418 } },
    });
    expect(await envelopeOf(new RpcException('Only a text'))).toMatchObject({
      kind: 'error',
      error: { code: -32603, message: 'Only a text', data: { httpStatus: 500 } },
    });
  });

  it.each([
    ['an Error', new Error('a secret of ours')],
    ['a TypeError', new TypeError()],
    ['a string', 'a string'],
    ['nothing', undefined],
    ['an object', { any: 'thing' }],
  ])('converts an unexpected exception (%s) into an internal error without its text', async (_name, cause) => {
    expect(await envelopeOf(cause)).toEqual({
      kind: 'error',
      httpStatus: 500,
      error: {
        code: -32603,
        message: 'Internal error',
        data: { outcome: 'unknown', retriable: false, httpStatus: 500 },
      },
    });
  });

  it('converts an HTTP exception that carries a JSON-RPC result into an error', async () => {
    for (const status of [200, 204, 302]) {
      const dressed = new HttpException({ jsonrpc: '2.0', id: 0, result: {} }, status);
      expect(await envelopeOf(dressed)).toMatchObject({ kind: 'error' });
    }
  });

  it('replies with the own form of a signal, which no upstream server can produce', async () => {
    expect(await envelopeOf(new AnywhereElse())).toEqual({ kind: 'elsewhere' });
  });
});

it('passes the return value of a handler through unchanged', async () => {
  const answer = result({ content: [] });
  const passed = new ForwardedRpcInterceptor().intercept(context, { handle: () => of(answer) });
  expect(await lastValueFrom(passed)).toBe(answer);
});
