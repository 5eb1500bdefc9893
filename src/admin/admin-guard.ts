import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PageSessions } from '../page-sessions/index.js';
import { AdminAdmission } from './admin-admission.js';
import type { AdminRole } from './admin-role.js';
import { AuditInterceptor } from './audit.interceptor.js';
import { setCaller } from './request-caller.js';

/** The roles that may use a route; one of them suffices. A route without this decorator rejects every caller. */
export const RequireRoles = Reflector.createDecorator<readonly AdminRole[]>();

/** Admits callers whose verified token, or that of the session of the admin page, has one of the roles of the route. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(
    private readonly admission: AdminAdmission,
    private readonly sessions: PageSessions,
    private readonly reflector: Reflector,
    private readonly audit: AuditInterceptor,
  ) {}

  /** Rejects with Unauthenticated (401), RoleMissing (403), TokenRestricted (403) or an error of `PageSessions`. */
  async canActivate(context: ExecutionContext): Promise<true> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const roles = this.reflector.get(RequireRoles, context.getHandler()) ?? [];
    // Caches do not know that a cookie authenticates (RFC 9111, 3.5, knows `Authorization` only). A route may allow more.
    void reply.header('cache-control', 'no-store');
    try {
      const caller = await this.admission.authenticate(request.raw);
      // The record of a refusal names the caller, too.
      setCaller(request, caller);
      setCaller(request, this.admission.admit(caller, roles));
    } catch (cause) {
      this.audit.recordRefusal(request, cause);
      void reply.headers(this.sessions.clearingHeaders(request.headers, cause));
      throw cause;
    }
    return true;
  }
}
