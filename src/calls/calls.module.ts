import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { ConnectionsModule } from '../connections/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { SessionPoolModule } from '../session-pool/index.js';
import { WorkerRegistry, WorkersModule } from '../workers/index.js';
import { CallsConfig } from './calls.config.js';
import { ParkedCallRouter } from './parked-call-router.js';
import { ParkedCalls } from './parked-calls.js';
import { ParkedDirectory } from './parked-directory.js';
import { ParkedInboxController } from './parked-inbox.controller.js';
import { RepeatedCalls } from './repeated-calls.js';
import { RequestStates } from './request-states.js';
import { UpstreamCalls } from './upstream-calls.js';

const requestStates = {
  provide: RequestStates,
  inject: [DataFolder],
  useFactory: ({ secrets }: DataFolder) => new RequestStates(secrets.session),
};

@Module({
  imports: [ConnectionsModule, DataFolderModule, SessionPoolModule, WorkersModule],
  controllers: [ParkedInboxController],
  providers: [
    configProvider(CallsConfig),
    ParkedCalls,
    ParkedDirectory,
    UpstreamCalls,
    requestStates,
    ParkedCallRouter,
    RepeatedCalls,
  ],
  exports: [ParkedCalls, ParkedDirectory, UpstreamCalls, RepeatedCalls],
})
export class CallsModule {
  constructor(workers: WorkerRegistry, parkedCalls: ParkedCalls) {
    workers.onFenced(() => parkedCalls.cancelAll());
  }
}
