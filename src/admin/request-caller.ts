import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '#lib/extension-kit';

type Request = Pick<FastifyRequest, 'method' | 'url' | 'ip'>;

const callers = new WeakMap<Request, Caller>();

/** The request comes from this caller: its token is good. */
export const setCaller = (request: Request, caller: Caller): void => void callers.set(request, caller);

/** Undefined for a request without a good token. */
export const findCaller = (request: Request): Caller | undefined => callers.get(request);

/** Whoever sends the request, once the guard has let it in. */
export const CurrentCaller = createParamDecorator((_data: unknown, context: ExecutionContext): Caller => {
  const caller = findCaller(context.switchToHttp().getRequest<Request>());
  if (!caller) throw new Error('A route without a guard knows no caller.');
  return caller;
});
