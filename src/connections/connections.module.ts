import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { PlacementStrategy } from '#lib/extension-kit';
import { Clock } from '#lib/time';
import { WorkerBus } from '#lib/worker-bus';
import { strategyProvider } from '../extensions/index.js';
import { RegistryModule } from '../registry/index.js';
import { SessionPool, SessionPoolModule } from '../session-pool/index.js';
import { TelemetryModule } from '../telemetry/index.js';
import { UpstreamModule } from '../upstream/index.js';
import { WorkerId, WorkerRegistry, WorkersModule } from '../workers/index.js';
import { ConnectionsConfig } from './connections.config.js';
import { Placement } from './placement.js';
import { PoolInboxController } from './pool-inbox.controller.js';
import { CheckedPlacement } from './checked-placement.js';
import { RendezvousPlacement } from './rendezvous-placement.js';
import { ServerHealth } from './server-health.js';
import { UpstreamPool } from './upstream-pool.js';
import { WorkerPlacement } from './worker-placement.js';

const placement = {
  provide: Placement,
  inject: [WorkerId, WorkerRegistry, WorkerBus, Clock, PlacementStrategy, RendezvousPlacement],
  useFactory: (
    { text }: WorkerId,
    workers: WorkerRegistry,
    bus: WorkerBus,
    clock: Clock,
    strategy: PlacementStrategy,
    standard: RendezvousPlacement,
  ) => new WorkerPlacement(text, workers, bus, clock, new CheckedPlacement(strategy, standard)),
};

@Module({
  imports: [RegistryModule, SessionPoolModule, TelemetryModule, UpstreamModule, WorkersModule],
  controllers: [PoolInboxController],
  providers: [
    configProvider(ConnectionsConfig),
    RendezvousPlacement,
    strategyProvider(PlacementStrategy, RendezvousPlacement),
    placement,
    UpstreamPool,
    ServerHealth,
  ],
  exports: [RendezvousPlacement, UpstreamPool, ServerHealth],
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
