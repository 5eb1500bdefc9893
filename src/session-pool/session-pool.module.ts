import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { Coordination, CoordinationModule } from '../coordination/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { WorkerRegistry, WorkersModule } from '../workers/index.js';
import { EventArchive, NullEventArchive } from './event-archive.js';
import { RedisEventArchive } from './redis-event-archive.js';
import { SessionPool } from './session-pool.js';
import { SessionPoolConfig } from './session-pool.config.js';

const eventArchive = {
  provide: EventArchive,
  inject: [Coordination, SessionPoolConfig, DataFolder],
  useFactory: ({ redis }: Coordination, config: SessionPoolConfig, { secrets }: DataFolder) =>
    redis ? new RedisEventArchive(redis.commands, redis.keys, config, secrets.session) : new NullEventArchive(),
};

@Module({
  imports: [CoordinationModule, DataFolderModule, WorkersModule],
  providers: [configProvider(SessionPoolConfig), eventArchive, SessionPool],
  exports: [SessionPoolConfig, EventArchive, SessionPool],
})
export class SessionPoolModule {
  constructor(workers: WorkerRegistry, sessions: SessionPool) {
    workers.onFenced(() => sessions.endAll());
  }
}
