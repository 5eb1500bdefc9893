import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { Clock } from '#lib/time';
import { AuditModule } from '../audit/index.js';
import { Coordination, CoordinationModule } from '../coordination/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { EventsModule } from '../events/index.js';
import { ApprovalStore, MemoryApprovalStore } from './approval-store.js';
import { ApprovalsConfig } from './approvals.config.js';
import { Approvals } from './approvals.js';
import { RedisApprovalStore } from './redis-approval-store.js';

const approvalStore = {
  provide: ApprovalStore,
  inject: [Coordination, DataFolder, Clock],
  useFactory: ({ redis }: Coordination, { secrets }: DataFolder, clock: Clock) =>
    redis ? new RedisApprovalStore(redis, secrets.session, clock) : new MemoryApprovalStore(clock),
};

@Module({
  imports: [AuditModule, CoordinationModule, DataFolderModule, EventsModule],
  providers: [configProvider(ApprovalsConfig), approvalStore, Approvals],
  exports: [Approvals, ApprovalsConfig],
})
export class ApprovalsModule {}
