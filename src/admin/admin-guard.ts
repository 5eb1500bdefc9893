import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { CallerAuthenticator } from '../auth/index.js';
import { ClientAddresses, ReceivedSource } from '../client-address/index.js';
import type { ElevatedRole } from '../tokens/index.js';
import { RoleMissing, TokenRestricted } from './admin.errors.js';
import { AuditInterceptor } from './audit.interceptor.js';
import { setCaller } from './request-caller.js';

/** Roles of the admin API: change the configuration, operate the gateway, inspect it, or manage one's own tokens. */
export type AdminRole = ElevatedRole | 'user';

/** The roles that may use a route; one of them suffices. A route without this decorator rejects every caller. */
export const RequireRoles = Reflector.createDecorator<readonly AdminRole[]>();

/** Admits callers whose verified token has one of the roles of the route. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(
    private readonly authenticator: CallerAuthenticator,
    private readonly reflector: Reflector,
    private readonly audit: AuditInterceptor,
    private readonly addresses: ClientAddresses,
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
    const { headers, raw } = request;
    const source = new ReceivedSource(raw, this.addresses);
    const caller = await this.authenticator.authenticate(headers.authorization, source.path, headers.host, source);
    setCaller(request, caller);
    if (!roles.some((role) => caller.roles.includes(role))) throw new RoleMissing(roles);
    if (!caller.servers) return;
    // A token restricted to servers must not administer all of them. It may manage the tokens of its subject.
    if (!roles.includes('user')) throw new TokenRestricted();
    setCaller(request, { ...caller, roles: caller.roles.filter((role) => role === 'user') });
  }
}
