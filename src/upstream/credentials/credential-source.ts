import { createHash } from 'node:crypto';
import {
  GatewayError,
  SystemClock,
  type Caller,
  type Clock,
  type Credentials,
  type UpstreamCredentials,
  type UpstreamServer,
} from '#lib/extension-kit';
import { withDeadline } from '#lib/time';
import { askAtOnce, runAsExtension } from '../../extensions/index.js';
import { kindOf, type ServerDefinition } from '../../registry/index.js';
import type { FailureDetails } from '../failure-details.js';
import { checkCredentials, type CheckedCredentials } from './checked-credentials.js';
import { CredentialsInvalid, CredentialsUnavailable, toNotExecuted } from './credentials.errors.js';
import { EntryCredentials } from './entry-credentials.js';
import { ServerCredentials } from './server-credentials.js';

const NO_DETAILS = { record: () => undefined };

/** The account of credentials that do not depend on the caller. */
export const COMMON_ACCOUNT = '';

/** Asks the strategy of an extension for credentials, and contains its failures. Without an extension nothing is asked. */
export class CredentialSource {
  private readonly strategy: UpstreamCredentials | undefined;
  private readonly views = new WeakMap<ServerDefinition, UpstreamServer>();

  constructor(
    strategy: UpstreamCredentials,
    private readonly details: Pick<FailureDetails, 'record'> = NO_DETAILS,
    private readonly clock: Clock = new SystemClock(),
  ) {
    this.strategy = strategy instanceof EntryCredentials ? undefined : strategy;
  }

  /**
   * Returns the account at the server that the gateway uses for a caller: a short text that is equal for callers who may share
   * connections. Rejects nothing: it throws CredentialsUnavailable.
   */
  accountOf(server: ServerDefinition, caller: Caller): string {
    const { strategy } = this;
    if (strategy === undefined) return COMMON_ACCOUNT;
    try {
      const request = { server: this.viewOf(server), caller };
      const identity = askAtOnce(strategy.constructor.name, () => strategy.identityOf(request));
      if (typeof identity !== 'string') throw new CredentialsInvalid('returned an identity that is no text');
      return identity === '' ? COMMON_ACCOUNT : createHash('sha256').update(identity).digest('base64url');
    } catch (cause) {
      throw this.toFailure(cause, server);
    }
  }

  /**
   * Returns the credentials of a new connection, or undefined if the entry's own suffice. Rejects with a GatewayError: no request
   * was sent.
   * @param caller absent for requests of the gateway itself
   */
  obtain(server: ServerDefinition, account: string, caller?: Caller): Promise<ServerCredentials> | undefined {
    return this.strategy && this.obtainFrom(this.strategy, server, account, caller);
  }

  private async obtainFrom(
    strategy: UpstreamCredentials,
    server: ServerDefinition,
    account: string,
    caller: Caller | undefined,
  ): Promise<ServerCredentials> {
    const request = { server: this.viewOf(server), ...(caller && { caller }) };
    let last = await this.ask(server, strategy, () => strategy.credentialsFor(request));
    const askAgain = async () => {
      const refused = toCredentials(last);
      last = await this.ask(server, strategy, () => strategy.refresh(request, refused));
      return last;
    };
    return new ServerCredentials(account, last, askAgain);
  }

  private async ask(
    server: ServerDefinition,
    strategy: UpstreamCredentials,
    question: () => Credentials | Promise<Credentials>,
  ): Promise<CheckedCredentials> {
    try {
      const answer = runAsExtension(strategy.constructor.name, () => Promise.try(question));
      const given = await withDeadline(this.clock, server.timeouts.connectMs, answer, () => {
        throw new CredentialsInvalid('did not answer in time');
      });
      return checkCredentials(given);
    } catch (cause) {
      throw this.toFailure(cause, server);
    }
  }

  /** Errors of an extension may contain credentials, so that only their names are shown. */
  private toFailure(cause: unknown, server: ServerDefinition): GatewayError {
    const name = this.strategy?.constructor.name ?? EntryCredentials.name;
    const why = cause instanceof CredentialsInvalid ? cause.message : 'failed';
    const kind = cause instanceof Error && !(cause instanceof CredentialsInvalid) ? ` (${cause.name})` : '';
    this.details.record(server, `the credentials strategy ${name} ${why}${kind}`);
    if (cause instanceof GatewayError) return toNotExecuted(cause, server.slug);
    return new CredentialsUnavailable(name, server.slug, why);
  }

  private viewOf(server: ServerDefinition): UpstreamServer {
    let view = this.views.get(server);
    if (!view) this.views.set(server, (view = toView(server)));
    return view;
  }
}

const toCredentials = ({ headers, env }: CheckedCredentials): Credentials => ({
  headers: Object.fromEntries(headers),
  env,
});

function toView(server: ServerDefinition): UpstreamServer {
  const { slug, team, tags = [] } = server;
  const url = 'url' in server ? URL.parse(server.url) : undefined;
  return {
    slug,
    ...(team !== undefined && { team }),
    transport: kindOf(server),
    ...(url && { url: url.origin + url.pathname }),
    tags,
  };
}
