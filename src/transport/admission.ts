import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { ANONYMOUS, type Caller } from '#lib/extension-kit';
import { CallerAuthenticator } from '../auth/index.js';
import { ClientAddresses, ReceivedSource, type RequestSource } from '../client-address/index.js';
import { EndpointDirectory, type Endpoint } from '../catalog/index.js';
import { Readiness } from '../lifecycle/index.js';
import { PageSessions } from '../page-sessions/index.js';
import { Draining, EndpointNotFound } from './transport.errors.js';

/** The caller and endpoint of an admitted request, and where it came from. */
export interface Admitted {
  readonly caller: Caller;
  readonly endpoint: Endpoint;
  readonly source: RequestSource;
  /** Only for the admin page: calls the listener when the session has ended. Returns a function that unsubscribes. */
  readonly onSessionEnded?: (listener: () => void) => () => void;
}

/** Checks the caller and the endpoint of a request before its body is read. */
@Injectable()
export class Admission {
  constructor(
    private readonly callers: CallerAuthenticator,
    private readonly endpoints: EndpointDirectory,
    private readonly readiness: Readiness,
    private readonly addresses: ClientAddresses,
    private readonly pageSessions: PageSessions,
  ) {}

  /** Describes a request, whether or not it is admitted. */
  describe(request: IncomingMessage): RequestSource {
    return new ReceivedSource(request, this.addresses);
  }

  /**
   * Synchronous for a token that was verified recently.
   * @throws GatewayError 503 at the end of a drain, 401, 403 or 429 for the token, 404 for the endpoint
   */
  admit(
    { headers }: Pick<IncomingMessage, 'headers'>,
    source: RequestSource,
    slug: string | undefined,
  ): Admitted | Promise<Admitted> {
    if (this.readiness.isClosed) throw new Draining();
    const endpoint = this.endpoints.find(slug);
    if (endpoint?.public && headers.authorization === undefined) return this.admitted(ANONYMOUS, source, slug);
    const caller = this.callers.authenticate(headers.authorization, source.path, headers.host, source);
    return caller instanceof Promise
      ? caller.then((known) => this.admitted(known, source, slug))
      : this.admitted(caller, source, slug);
  }

  /**
   * Admits a request of the admin page, whose session has the token.
   * @throws GatewayError as `admit`, and the errors of `PageSessions.require`
   */
  async admitFromPage(request: IncomingMessage, source: RequestSource, slug: string | undefined): Promise<Admitted> {
    const { token } = await this.pageSessions.require(request);
    const headers = { ...request.headers, authorization: `Bearer ${token}` };
    const admitted = await this.admit({ headers }, source, slug);
    return { ...admitted, onSessionEnded: (listener) => this.pageSessions.onEnded(request, listener) };
  }

  /** Notifies the listener once when the caller's token becomes invalid. Returns a function that stops it. */
  watchToken(caller: Caller, onInvalid: () => void): () => void {
    return this.callers.onTokenInvalidated(caller, onInvalid);
  }

  /** Runs after authentication: unauthenticated callers cannot find out which endpoints exist. */
  private admitted(caller: Caller, source: RequestSource, slug: string | undefined): Admitted {
    const endpoint = this.endpoints.findFor(caller, slug);
    if (!endpoint) throw new EndpointNotFound(slug ?? '');
    return { caller, endpoint, source };
  }
}
