import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { WorkerBus } from '#lib/worker-bus';
import { RegistryModule } from '../registry/index.js';
import { SessionPool, SessionPoolModule } from '../session-pool/index.js';
import { UpstreamModule } from '../upstream/index.js';
import { WorkerId, WorkerRegistry, WorkersModule } from '../workers/index.js';
import { ConnectionsConfig } from './connections.config.js';
import { Placement } from './placement.js';
import { PoolInboxController } from './pool-inbox.controller.js';
import { RendezvousPlacement } from './rendezvous-placement.js';
import { ServerHealth } from './server-health.js';
import { UpstreamPool } from './upstream-pool.js';

const placement = {
  provide: Placement,
  inject: [WorkerId, WorkerRegistry, WorkerBus],
  useFactory: ({ text }: WorkerId, workers: WorkerRegistry, bus: WorkerBus) =>
    new RendezvousPlacement(text, workers, bus),
};

@Module({
  imports: [RegistryModule, SessionPoolModule, UpstreamModule, WorkersModule],
  controllers: [PoolInboxController],
  providers: [configProvider(ConnectionsConfig), placement, UpstreamPool, ServerHealth],
  exports: [UpstreamPool, ServerHealth],
})
export class ConnectionsModule implements OnApplicationShutdown {
  constructor(
    private readonly sessions: SessionPool,
    private readonly upstreams: UpstreamPool,
  ) {}

  /** Ends the sessions first: their calls are cancelled over the connections. */
  async onApplicationShutdown(): Promise<void> {
    this.sessions.endAll();
    await this.upstreams.close();
  }
}
