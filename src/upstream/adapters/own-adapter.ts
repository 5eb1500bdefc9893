import { UpstreamAdapter, type AdaptedServer, type ConnectAttempt } from '#lib/extension-kit';
import { hideServerSecrets, type ServerDefinition } from '../../registry/index.js';
import { Deadlines } from '../channels/deadlines.js';
import type { ServerCredentials } from '../credentials/index.js';
import { ConnectDeadline } from '../dialects/connect-deadline.js';
import type { ConnectionOptions } from '../dialects/legacy/index.js';
import type { CallContext } from '../dialects/in-flight-call.js';
import type { ConnectionEvents, UpstreamConnection } from '../upstream-connection.js';
import type { ConnectionAttempt } from '../upstream-connector.js';
import type { UpstreamServices } from '../upstream-services.js';
import type { UpstreamSessionState } from '../upstream-session-state.js';

/** An attempt of the gateway says more than an extension needs. */
export interface OwnAttempt extends ConnectAttempt, Partial<Omit<ConnectionAttempt, 'signal'>> {
  readonly events: ConnectionEvents;
}

/**
 * An adapter of the gateway itself. It gets the definition that the registry made of the entry, and its connections keep the rules of
 * `UpstreamConnection` themselves; those of extensions are wrapped.
 */
export abstract class OwnAdapter<
  Definition extends ServerDefinition = ServerDefinition,
> extends UpstreamAdapter<Definition> {
  protected readonly deadlines: Deadlines;

  constructor(protected readonly services: UpstreamServices) {
    super();
    this.deadlines = new Deadlines(services.clock);
  }

  /** Number of processes of servers that are running. */
  get childProcesses(): number {
    return 0;
  }

  abstract override connect(server: AdaptedServer<Definition>, attempt: OwnAttempt): Promise<UpstreamConnection>;

  /** Continues a session that another worker detached. Undefined: servers of this kind have none, or not this one. */
  adoptSession(
    _server: AdaptedServer<Definition>,
    _attempt: OwnAttempt,
    _state: UpstreamSessionState,
  ): UpstreamConnection | undefined {
    return undefined;
  }

  override isolated(services: UpstreamServices = this.services): OwnAdapter<Definition> {
    const Adapter = this.constructor as new (services: UpstreamServices) => OwnAdapter<Definition>;
    return new Adapter(services);
  }

  override async shutdown(): Promise<void> {
    this.deadlines.clear();
  }

  protected toContext(definition: ServerDefinition, credentials: ServerCredentials | undefined): CallContext {
    return toCallContext(definition, this.services, this.deadlines, credentials);
  }

  protected toConnectionOptions(definition: Definition, attempt: OwnAttempt): ConnectionOptions {
    const { client, events, budgetMs, owner = ALL_CLIENTS, credentials, opensServerStream = false } = attempt;
    return {
      client,
      events,
      deadline: new ConnectDeadline(this.services.clock, budgetMs ?? definition.timeouts.connectMs),
      owner,
      opensServerStream,
      credentials,
      context: this.toContext(definition, credentials),
      suspectEra: () => this.evictEra(definition.slug),
    };
  }

  /** An answer of the server is typical of another era. */
  protected evictEra(_slug: string): void {}
}

const ALL_CLIENTS = '';

export const toCallContext = (
  definition: ServerDefinition,
  { clock }: Pick<UpstreamServices, 'clock'>,
  deadlines: Deadlines,
  credentials: ServerCredentials | undefined,
): CallContext => ({
  server: definition.slug,
  hideSecrets: (text) => hideServerSecrets(credentials?.applyTo(definition) ?? definition, text),
  clock,
  deadlines,
  passesUnknown: definition.allowUnknownMethods,
  ...definition.timeouts,
});
