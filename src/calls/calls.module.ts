import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { ConnectionsModule } from '../connections/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { SessionPoolModule } from '../session-pool/index.js';
import { InFlightWaits, waitForInFlight, WorkerRegistry, WorkersModule } from '../workers/index.js';
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
  constructor(
    workers: WorkerRegistry,
    waits: InFlightWaits,
    private readonly parkedCalls: ParkedCalls,
  ) {
    workers.onFenced(() => parkedCalls.cancelAll());
    waits.addWait(() => this.finishParkedCalls());
  }

  /**
   * Waits until the clients that have sent answers receive the outcome of their calls. No other worker can continue a
   * parked call, because its server waits on a connection of this process.
   */
  private async finishParkedCalls(): Promise<void> {
    await waitForInFlight(this.parkedCalls.whenIdle());
    this.parkedCalls.cancelAll();
  }
}
