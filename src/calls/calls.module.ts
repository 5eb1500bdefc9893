import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { Clock } from '#lib/time';
import { ConnectionsModule } from '../connections/index.js';
import { Coordination, CoordinationModule } from '../coordination/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { SessionPoolModule } from '../session-pool/index.js';
import { TelemetryModule } from '../telemetry/index.js';
import { InFlightWaits, waitForInFlight, WorkerRegistry, WorkersModule } from '../workers/index.js';
import { DeferredInterception } from './call-interception.js';
import { CallsConfig } from './calls.config.js';
import { ParkedCallRouter } from './parked-call-router.js';
import { ParkedCalls } from './parked-calls.js';
import { ParkedDirectory } from './parked-directory.js';
import { ParkedInboxController } from './parked-inbox.controller.js';
import { RepeatedCalls } from './repeated-calls.js';
import { ReplayedQuestions } from './replayed-questions.js';
import { RequestStates } from './request-states.js';
import { MemorySpentStates, RedisSpentStates, SpentStates } from './spent-states.js';
import { TaskExchanges } from './task-exchange.js';
import { TaskIds } from './task-ids.js';
import { MemoryTaskOwners, RedisTaskOwners } from './task-owners.js';
import { UpstreamCalls } from './upstream-calls.js';

const requestStates = {
  provide: RequestStates,
  inject: [DataFolder, Clock],
  useFactory: ({ secrets }: DataFolder, clock: Clock) => new RequestStates(secrets.session, clock),
};

const spentStates = {
  provide: SpentStates,
  inject: [Coordination, Clock],
  useFactory: ({ redis }: Coordination, clock: Clock) =>
    redis ? new RedisSpentStates(redis) : new MemorySpentStates(clock),
};

const taskExchanges = {
  provide: TaskExchanges,
  inject: [DataFolder, Coordination, Clock],
  useFactory: ({ secrets }: DataFolder, { redis }: Coordination, clock: Clock) =>
    new TaskExchanges(
      new TaskIds(secrets.session),
      redis ? new RedisTaskOwners(redis, clock) : new MemoryTaskOwners(clock),
    ),
};

@Module({
  imports: [ConnectionsModule, CoordinationModule, DataFolderModule, SessionPoolModule, TelemetryModule, WorkersModule],
  controllers: [ParkedInboxController],
  providers: [
    configProvider(CallsConfig),
    DeferredInterception,
    ParkedCalls,
    ParkedDirectory,
    UpstreamCalls,
    requestStates,
    spentStates,
    taskExchanges,
    ParkedCallRouter,
    ReplayedQuestions,
    RepeatedCalls,
  ],
  exports: [DeferredInterception, ParkedCalls, ParkedDirectory, UpstreamCalls, RepeatedCalls],
})
export class CallsModule {
  constructor(
    workers: WorkerRegistry,
    waits: InFlightWaits,
    private readonly parkedCalls: ParkedCalls,
  ) {
    workers.onFenced(() => parkedCalls.cancelAll());
    waits.addWait((clock) => this.finishParkedCalls(clock));
  }

  /**
   * Waits until the clients that have sent answers receive the outcome of their calls. No other worker can continue a
   * parked call, because its server waits on a connection of this process.
   */
  private async finishParkedCalls(clock: Clock): Promise<void> {
    await waitForInFlight(this.parkedCalls.whenIdle(), clock);
    this.parkedCalls.cancelAll();
  }
}
