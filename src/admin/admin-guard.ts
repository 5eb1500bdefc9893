import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { CallerAuthenticator } from '../auth/index.js';
import { RoleMissing, TokenRestricted } from './admin.errors.js';
import { AuditInterceptor } from './audit.interceptor.js';
import { setCaller } from './request-caller.js';

/** What people may be who look after a gateway: change it, run it, look at it; or who look after their own tokens. */
export type AdminRole = 'admin' | 'operator' | 'auditor' | 'user';

/** The roles that a route takes; one of them is enough. A route without is closed. */
export const RequireRoles = Reflector.createDecorator<readonly AdminRole[]>();

/** Lets those in whose verified token has a role that the route takes. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(
    private readonly authenticator: CallerAuthenticator,
    private readonly reflector: Reflector,
    private readonly audit: AuditInterceptor,
  ) {}

  /** Rejects with Unauthenticated (401), RoleMissing (403) or TokenRestricted (403). */
  async canActivate(context: ExecutionContext): Promise<true> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    try {
      await this.requireRole(request, this.reflector.get(RequireRoles, context.getHandler()) ?? []);
    } catch (cause) {
      this.audit.recordRefusal(request, cause);
      throw cause;
    }
    return true;
  }

  private async requireRole(request: FastifyRequest, roles: readonly AdminRole[]): Promise<void> {
    const { headers, url } = request;
    const caller = await this.authenticator.authenticate(headers.authorization, url.split('?', 1)[0], headers.host);
    setCaller(request, caller);
    if (!roles.some((role) => caller.roles.includes(role))) throw new RoleMissing(roles);
    if (!caller.servers) return;
    // What it is good for are calls at some servers; here it would be good for all. What is its subject's own it may see.
    if (!roles.includes('user')) throw new TokenRestricted();
    setCaller(request, { ...caller, roles: caller.roles.filter((role) => role === 'user') });
  }
}
