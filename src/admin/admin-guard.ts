import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { CallerAuthenticator } from '../auth/index.js';
import { RoleMissing, TokenNarrowed } from './admin.errors.js';
import { Audit } from './audit.js';
import { noteCaller } from './callers.js';

/** What people may be who look after a gateway: change it, run it, look at it; or who look after their own tokens. */
export type AdminRole = 'admin' | 'operator' | 'auditor' | 'user';

/** The roles that a route takes; one of them is enough. A route without is closed. */
export const Takes = Reflector.createDecorator<readonly AdminRole[]>();

/** Lets those in whose verified token has a role that the route takes. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(
    private readonly callers: CallerAuthenticator,
    private readonly reflector: Reflector,
    private readonly audit: Audit,
  ) {}

  /** Rejects with Unauthenticated (401), RoleMissing (403) or TokenNarrowed (403). */
  async canActivate(context: ExecutionContext): Promise<true> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    try {
      await this.demandRole(request, this.reflector.get(Takes, context.getHandler()) ?? []);
    } catch (cause) {
      this.audit.refused(request, cause);
      throw cause;
    }
    return true;
  }

  private async demandRole(request: FastifyRequest, roles: readonly AdminRole[]): Promise<void> {
    const { headers, url } = request;
    const caller = await this.callers.authenticate(headers.authorization, url.split('?', 1)[0], headers.host);
    noteCaller(request, caller);
    if (!roles.some((role) => caller.roles.includes(role))) throw new RoleMissing(roles);
    if (!caller.servers) return;
    // What it is good for are calls at some servers; here it would be good for all. What is its subject's own it may see.
    if (!roles.includes('user')) throw new TokenNarrowed();
    noteCaller(request, { ...caller, roles: caller.roles.filter((role) => role === 'user') });
  }
}
