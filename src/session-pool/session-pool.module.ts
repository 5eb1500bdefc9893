import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { Coordination, CoordinationModule } from '../coordination/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { RegistryModule } from '../registry/index.js';
import { UpstreamModule } from '../upstream/index.js';
import { WorkerRegistry, WorkersModule } from '../workers/index.js';
import { EventArchive, NullEventArchive } from './event-archive.js';
import { ParkedCalls } from './parked-calls.js';
import { Placement } from './placement.js';
import { DeferredPlacement } from './deferred-placement.js';
import { RedisEventArchive } from './redis-event-archive.js';
import { ServerHealth } from './server-health.js';
import { SessionPool } from './session-pool.js';
import { SessionPoolConfig } from './session-pool.config.js';
import { UpstreamCalls } from './upstream-calls.js';
import { UpstreamPool } from './upstream-pool.js';

const eventArchive = {
  provide: EventArchive,
  inject: [Coordination, SessionPoolConfig, DataFolder],
  useFactory: ({ redis }: Coordination, config: SessionPoolConfig, { secrets }: DataFolder) =>
    redis ? new RedisEventArchive(redis.commands, redis.keys, config, secrets.session) : new NullEventArchive(),
};

@Module({
  imports: [CoordinationModule, DataFolderModule, RegistryModule, UpstreamModule, WorkersModule],
  providers: [
    configProvider(SessionPoolConfig),
    eventArchive,
    DeferredPlacement,
    { provide: Placement, useExisting: DeferredPlacement },
    SessionPool,
    UpstreamPool,
    ParkedCalls,
    ServerHealth,
    UpstreamCalls,
  ],
  exports: [
    ServerHealth,
    SessionPoolConfig,
    EventArchive,
    DeferredPlacement,
    SessionPool,
    UpstreamPool,
    ParkedCalls,
    UpstreamCalls,
  ],
})
export class SessionPoolModule {
  constructor(workers: WorkerRegistry, sessions: SessionPool, parkedCalls: ParkedCalls) {
    workers.onFenced(() => {
      sessions.endAll();
      parkedCalls.cancelAll();
    });
  }
}
