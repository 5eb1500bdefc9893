import { Injectable, type OnModuleInit } from '@nestjs/common';
import { GatewayEvents } from '../events/index.js';
import type { ServerDefinition } from './server-definition.js';
import { identityOf } from './server-identity.js';
import { ServerRegistry } from './server-registry.js';

/** All workers apply a change within this time. */
const QUIET_MS = 60_000;

/** Emits `server.added` and `server.removed` when the configuration changes. */
@Injectable()
export class ServerEvents implements OnModuleInit {
  constructor(
    private readonly registry: ServerRegistry,
    private readonly events: GatewayEvents,
  ) {}

  onModuleInit(): void {
    this.registry.onChange((now, before) => {
      if (now.servers === before.servers) return;
      for (const server of missingFrom(now.servers, before.servers)) this.emit('server.removed', server);
      for (const server of missingFrom(before.servers, now.servers)) this.emit('server.added', server);
    });
  }

  private emit(type: 'server.added' | 'server.removed', server: ServerDefinition): void {
    this.events.emit(type, { occurrence: identityOf(server), quietMs: QUIET_MS, data: { server: server.slug } });
  }
}

function missingFrom(servers: readonly ServerDefinition[], others: readonly ServerDefinition[]) {
  const identities = new Set(servers.map(identityOf));
  return others.filter((server) => !identities.has(identityOf(server)));
}
