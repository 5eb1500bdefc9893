import { Module } from '@nestjs/common';
import { AffinityModule } from '../affinity/index.js';
import { RegistryModule } from '../registry/index.js';
import { AuthModule } from '../auth/index.js';
import { AdminDoor } from './admin-door.js';
import { AuditModule } from '../audit/index.js';
import { AuditLogController } from './audit-log.controller.js';
import { Audit } from './audit.js';
import { ParkedCallsController } from './parked-calls.controller.js';
import { ServersController } from './registry/servers.controller.js';
import { VirtualServersController } from './registry/virtual-servers.controller.js';
import { SessionsController } from './sessions.controller.js';
import { UnknownRouteController } from './unknown-route.controller.js';
import { UpstreamSessionsController } from './upstream-sessions.controller.js';
import { WorkersController } from './workers.controller.js';

@Module({
  imports: [AuthModule, AffinityModule, RegistryModule, AuditModule],
  controllers: [
    AuditLogController,
    ParkedCallsController,
    ServersController,
    SessionsController,
    UpstreamSessionsController,
    VirtualServersController,
    WorkersController,
    // What no other controller takes.
    UnknownRouteController,
  ],
  providers: [AdminDoor, Audit],
})
export class AdminModule {}
