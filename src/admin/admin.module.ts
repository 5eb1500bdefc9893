import { Module } from '@nestjs/common';
import { AffinityModule } from '../affinity/index.js';
import { AuthModule } from '../auth/index.js';
import { Audit } from './audit.js';
import { ParkedCallsController } from './parked-calls.controller.js';
import { SessionsController } from './sessions.controller.js';
import { UpstreamSessionsController } from './upstream-sessions.controller.js';
import { WorkersController } from './workers.controller.js';

@Module({
  imports: [AuthModule, AffinityModule],
  controllers: [ParkedCallsController, SessionsController, UpstreamSessionsController, WorkersController],
  providers: [Audit],
})
export class AdminModule {}
