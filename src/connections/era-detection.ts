import type { Era } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { CredentialSource, UpstreamConnector } from '../upstream/index.js';
import type { ConnectAttempts } from './connect-attempts.js';
import { mapHandshakeErrors } from './handshake-errors.js';
import type { KnownServers } from './known-servers.js';
import { backOffOwnerOf, clientEraOf, type ConnectionScope } from './sharing.js';

const NEVER_ABORTED = new AbortController().signal;

/** Detects in which era a server serves a client, with the credentials of its caller. */
export class EraDetection {
  constructor(
    private readonly connector: UpstreamConnector,
    private readonly known: KnownServers,
    private readonly attempts: ConnectAttempts,
    private readonly credentials: CredentialSource,
  ) {}

  /** Rejects with a GatewayError if the server cannot be reached. */
  async detect(
    server: ServerDefinition,
    scope: Pick<ConnectionScope, 'caller' | 'client'> & Partial<ConnectionScope>,
  ): Promise<Era> {
    const clientEra = clientEraOf(server, scope);
    const account = this.credentials.accountOf(server, scope.caller);
    const attempt = { clientEra, signal: NEVER_ABORTED, owner: backOffOwnerOf(server, scope.caller, account) };
    const resolve = async () => {
      const asked = this.credentials.obtain(server, account, scope.caller);
      const credentials = asked && (await asked);
      return this.connector.resolveEra(server, scope.client, { ...attempt, credentials });
    };
    const era = await this.attempts.run(server, `era ${account}`, () => mapHandshakeErrors(server, resolve()));
    this.known.setEra(server, clientEra, era);
    return era;
  }
}
