import type { ServerDefinition } from '../../registry/index.js';
import type { ChannelCredentials } from '../channels/http/index.js';
import type { CheckedCredentials } from './checked-credentials.js';

/** Number of earlier credentials that texts hide: a server may answer late what it received before a renewal. */
const MAX_FORMER = 3;

/** Asks the strategy again, after the server has refused the last credentials. */
type AskAgain = () => Promise<CheckedCredentials>;

/** The credentials of one connection: those of the strategy, beside those of the server's entry. */
export class ServerCredentials implements ChannelCredentials {
  version = 0;
  private former: readonly CheckedCredentials[] = [];
  private refreshing: Promise<void> | undefined;
  private authenticated: { readonly base: ServerDefinition; readonly definition: ServerDefinition } | undefined;

  /** @param account identifies the callers that may share them (`CredentialSource.accountOf`) */
  constructor(
    readonly account: string,
    private current: CheckedCredentials,
    private readonly askAgain: AskAgain,
  ) {}

  get isEmpty(): boolean {
    return this.current.headers.size === 0;
  }

  addTo(headers: readonly string[]): string[] {
    const own = this.current.headers;
    const kept = headers.filter((_text, index) => !own.has(headers[index - (index % 2)] ?? ''));
    return [...kept, ...[...own].flat()];
  }

  refresh(version: number): Promise<void> {
    if (version !== this.version) return Promise.resolve();
    this.refreshing ??= this.replace().finally(() => (this.refreshing = undefined));
    return this.refreshing;
  }

  /** The definition with which a process is started, and whose credentials no text may repeat. */
  applyTo<Server extends ServerDefinition>(server: Server): Server {
    if (this.authenticated?.base !== server)
      this.authenticated = { base: server, definition: this.withFormer(this.merge(server)) };
    return this.authenticated.definition as Server;
  }

  private async replace(): Promise<void> {
    const next = await this.askAgain();
    this.former = [this.current, ...this.former].slice(0, MAX_FORMER);
    this.current = next;
    this.version += 1;
    this.authenticated = undefined;
  }

  private withFormer(server: ServerDefinition): ServerDefinition {
    const formerCredentials = this.former.flatMap(({ headers, env }) => [...headers, ...Object.entries(env)]);
    return formerCredentials.length > 0 ? { ...server, formerCredentials } : server;
  }

  private merge(server: ServerDefinition): ServerDefinition {
    const { headers, env } = this.current;
    if (server.transport === 'stdio') return { ...server, env: { ...server.env, ...env } };
    if (server.transport === 'contributed')
      return { ...server, credentials: { headers: Object.fromEntries(headers), env } };
    if (server.transport === 'unloaded') return server;
    const kept = Object.entries(server.headers).filter(([name]) => !headers.has(name.toLowerCase()));
    return { ...server, headers: { ...Object.fromEntries(kept), ...Object.fromEntries(headers) } };
  }
}
