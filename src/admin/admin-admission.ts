import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { GatewayError, type Caller } from '#lib/extension-kit';
import { CallerAuthenticator } from '../auth/index.js';
import { ClientAddresses, ReceivedSource } from '../client-address/index.js';
import { PageSessions } from '../page-sessions/index.js';
import { RoleMissing, TokenRestricted } from './admin.errors.js';
import type { AdminRole } from './admin-role.js';

/** Decides who may use a route of the admin API. */
@Injectable()
export class AdminAdmission {
  constructor(
    private readonly authenticator: CallerAuthenticator,
    private readonly sessions: PageSessions,
    private readonly addresses: ClientAddresses,
  ) {}

  /**
   * Returns the caller of a request: by its token, or without one by the session of the admin page.
   * @throws the errors of `CallerAuthenticator.authenticate` and of `PageSessions.authorizationOf`
   */
  async authenticate(request: IncomingMessage): Promise<Caller> {
    const { headers } = request;
    const source = new ReceivedSource(request, this.addresses);
    const authorization = headers.authorization ?? (await this.sessions.authorizationOf(request));
    return await this.authenticator.authenticate(authorization, source.path, headers.host, source);
  }

  /** Returns the caller with the rights that it has at a route of these roles. @throws RoleMissing, TokenRestricted */
  admit(caller: Caller, roles: readonly AdminRole[]): Caller {
    if (!roles.some((role) => caller.roles.includes(role))) throw new RoleMissing(roles);
    if (!caller.servers) return caller;
    // A token restricted to servers must not administer all of them. It may manage the tokens of its subject.
    if (!roles.includes('user')) throw new TokenRestricted();
    return { ...caller, roles: caller.roles.filter((role) => role === 'user') };
  }

  isAdmitted(caller: Caller, roles: readonly AdminRole[]): boolean {
    try {
      this.admit(caller, roles);
      return true;
    } catch (cause) {
      if (cause instanceof GatewayError) return false;
      throw cause;
    }
  }
}
