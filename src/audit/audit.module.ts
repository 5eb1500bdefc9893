import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { Clock } from '#lib/time';
import { DatabaseModule } from '../database/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { EventsModule, GatewayEvents } from '../events/index.js';
import { LifecycleModule, Readiness } from '../lifecycle/index.js';
import { RegistryModule } from '../registry/index.js';
import { CallRecorder, TelemetryModule } from '../telemetry/index.js';
import { WorkerId, WorkersModule } from '../workers/index.js';
import { ArgumentViews } from './argument-views.js';
import { AuditLog } from './audit-log.js';
import { AuditSinks } from './audit-sinks.js';
import { AuditConfig } from './audit.config.js';
import { CallAudit } from './call-audit.js';
import { emitSinkEvents } from './sink-events.js';
import { AuditKey } from './chain/audit-key.js';

const auditKey = {
  provide: AuditKey,
  inject: [DataFolder],
  useFactory: ({ secrets: { credentials } }: DataFolder) => new AuditKey(credentials[0]),
};

@Module({
  imports: [
    DatabaseModule,
    DataFolderModule,
    EventsModule,
    LifecycleModule,
    RegistryModule,
    TelemetryModule,
    WorkersModule,
  ],
  providers: [configProvider(AuditConfig), auditKey, AuditSinks, AuditLog, CallAudit, ArgumentViews],
  exports: [ArgumentViews, AuditLog, AuditSinks, CallAudit],
})
export class AuditModule implements OnApplicationShutdown {
  private readonly stopEvents: () => void;

  constructor(
    recorder: CallRecorder,
    calls: CallAudit,
    sinks: AuditSinks,
    readiness: Readiness,
    events: GatewayEvents,
    worker: WorkerId,
    clock: Clock,
  ) {
    recorder.addSink(calls);
    this.stopEvents = emitSinkEvents(sinks, events, worker.text, clock);
    readiness.addPart('audit', () =>
      sinks.status().every(({ isUp }) => isUp) ? undefined : 'Audit records cannot be written to every sink.',
    );
  }

  onApplicationShutdown(): void {
    this.stopEvents();
  }
}
