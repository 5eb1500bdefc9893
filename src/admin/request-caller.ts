import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '#lib/extension-kit';

type Request = Pick<FastifyRequest, 'method' | 'url'>;

const callers = new WeakMap<Request, Caller>();

/** Stores the authenticated caller of a request. */
export const setCaller = (request: Request, caller: Caller): void => void callers.set(request, caller);

/** Returns the authenticated caller of a request. Undefined for a request without a valid token. */
export const findCaller = (request: Request): Caller | undefined => callers.get(request);

/** Injects the caller of a request that the guard has admitted. */
export const CurrentCaller = createParamDecorator((_data: unknown, context: ExecutionContext): Caller => {
  const caller = findCaller(context.switchToHttp().getRequest<Request>());
  if (!caller) throw new Error('The route has no guard, so its request has no caller.');
  return caller;
});
