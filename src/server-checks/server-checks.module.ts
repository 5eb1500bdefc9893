import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { ConnectionsModule } from '../connections/index.js';
import { Coordination, CoordinationModule } from '../coordination/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { EventsModule } from '../events/index.js';
import { LifecycleModule } from '../lifecycle/index.js';
import { RegistryModule } from '../registry/index.js';
import { UpstreamModule } from '../upstream/index.js';
import { WorkersModule } from '../workers/index.js';
import { CheckInboxController } from './check-inbox.controller.js';
import { CheckRunner, UpstreamCheckRunner } from './check-runner.js';
import { ProcessChecks } from './process-checks.js';
import { RedisServerStates } from './redis-server-states.js';
import { ServerChecks } from './server-checks.js';
import { ServerChecksConfig } from './server-checks.config.js';
import { LocalServerStates, ServerStates } from './server-states.js';

const serverStates = {
  provide: ServerStates,
  inject: [Coordination, DataFolder],
  useFactory: ({ redis }: Coordination, { secrets }: DataFolder) =>
    redis ? new RedisServerStates(redis, secrets.session) : new LocalServerStates(),
};

@Module({
  imports: [
    ConnectionsModule,
    CoordinationModule,
    DataFolderModule,
    EventsModule,
    LifecycleModule,
    RegistryModule,
    UpstreamModule,
    WorkersModule,
  ],
  controllers: [CheckInboxController],
  providers: [
    configProvider(ServerChecksConfig),
    serverStates,
    ProcessChecks,
    { provide: CheckRunner, useClass: UpstreamCheckRunner },
    ServerChecks,
  ],
  exports: [ServerChecks],
})
export class ServerChecksModule {}
