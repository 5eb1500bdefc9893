import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { CallerAuthenticator } from '../auth/index.js';
import { RoleMissing, TokenNarrowed } from './admin.errors.js';
import { Audit } from './audit.js';
import { noteCaller } from './callers.js';

/** Roles of the admin API: change the configuration, operate the gateway, inspect it, or manage one's own tokens. */
export type AdminRole = 'admin' | 'operator' | 'auditor' | 'user';

/** The roles that may use a route; one of them suffices. A route without this decorator rejects every caller. */
export const Takes = Reflector.createDecorator<readonly AdminRole[]>();

/** Admits callers whose verified token has one of the roles of the route. */
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
    // A token restricted to servers must not administer all of them. It may manage the tokens of its subject.
    if (!roles.includes('user')) throw new TokenNarrowed();
    noteCaller(request, { ...caller, roles: caller.roles.filter((role) => role === 'user') });
  }
}
