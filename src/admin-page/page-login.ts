import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import { AdminPermissions, RoleMissing } from '../admin/index.js';
import { CallerAuthenticator } from '../auth/index.js';
import { ClientAddresses, ReceivedSource } from '../client-address/index.js';
import { PageSessions, type LoginMethod, type NewSession } from '../page-sessions/index.js';
import { LoginRecords } from './login-records.js';

/** Roles with which the page offers anything. */
const ROLES = ['admin', 'operator', 'auditor', 'user'];

/** What the page knows about its session. It never contains the token. */
export interface SessionResponse {
  readonly subject: string;
  readonly issuer?: string;
  readonly roles: readonly string[];
  /** Operations of the admin API: `POST /servers/{slug}/enable`. */
  readonly permissions: readonly string[];
  /** End of the session, in milliseconds since the Unix epoch. */
  readonly expiresAt: number;
  readonly loginMethod: LoginMethod;
}

export interface LoggedIn {
  readonly response: SessionResponse;
  /** Value of `Set-Cookie`. */
  readonly setCookie: string;
}

/** Opens sessions of the admin page for tokens that the gateway accepts. */
@Injectable()
export class PageLogin {
  constructor(
    private readonly authenticator: CallerAuthenticator,
    private readonly permissions: AdminPermissions,
    private readonly sessions: PageSessions,
    private readonly addresses: ClientAddresses,
    private readonly records: LoginRecords,
  ) {}

  /**
   * Opens a session for a token, which is verified like that of any request. Records the login or its refusal.
   * @throws the errors of `CallerAuthenticator.authenticate`, RoleMissing, PageSessionsUnavailable
   */
  async login(request: IncomingMessage, login: Omit<NewSession, 'principal' | 'tokenEndsAt'>): Promise<LoggedIn> {
    let caller: Caller | undefined;
    try {
      caller = await this.verify(request, login.token);
      const permissions = this.requirePermissions(caller);
      const opened = { ...login, principal: caller.principal, tokenEndsAt: toTokenEnd(caller) };
      const { session, setCookie } = await this.sessions.open(opened, request);
      this.records.recordDone(request, caller, 200);
      return { response: toResponse(caller, permissions, session), setCookie };
    } catch (cause) {
      this.records.recordRefused(request, cause, caller);
      throw cause;
    }
  }

  /** Describes the session of a request. @throws the errors of `PageSessions.require` and of `login` */
  async find(request: IncomingMessage): Promise<SessionResponse> {
    const session = await this.sessions.require(request);
    const caller = await this.verify(request, session.token);
    return toResponse(caller, this.permissions.of(caller), session);
  }

  /** Ends the session of a request at every worker. Returns the value of `Set-Cookie` that removes the cookie. */
  async logout(request: IncomingMessage): Promise<string> {
    const caller = await this.findCaller(request).catch(() => undefined);
    const setCookie = await this.sessions.end(request);
    if (caller) this.records.recordDone(request, caller, 204);
    return setCookie;
  }

  private async findCaller(request: IncomingMessage): Promise<Caller> {
    return this.verify(request, (await this.sessions.require(request)).token);
  }

  private async verify(request: IncomingMessage, token: string): Promise<Caller> {
    const source = new ReceivedSource(request, this.addresses);
    return await this.authenticator.authenticate(`Bearer ${token}`, source.path, request.headers.host, source);
  }

  private requirePermissions(caller: Caller): readonly string[] {
    const permissions = this.permissions.of(caller);
    if (permissions.length > 0) return permissions;
    throw new RoleMissing(ROLES);
  }
}

/** The expiry itself: the clock skew for which a token is accepted beyond it is for requests that are under way. */
function toTokenEnd({ claims, acceptedUntilMs = 0 }: Caller): number {
  const expiry = claims['exp'];
  return typeof expiry === 'number' ? expiry * 1_000 : acceptedUntilMs;
}

function toResponse(
  { principal: { subject, issuer }, roles }: Caller,
  permissions: readonly string[],
  { endsAt, loginMethod }: { readonly endsAt: number; readonly loginMethod: LoginMethod },
): SessionResponse {
  const { length } = issuer;
  return { subject, ...(length > 0 && { issuer }), roles, permissions, expiresAt: endsAt, loginMethod };
}
