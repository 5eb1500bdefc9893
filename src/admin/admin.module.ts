import { Module } from '@nestjs/common';
import { AffinityModule } from '../affinity/index.js';
import { AuthModule } from '../auth/index.js';
import { ParkedCallsController } from './parked-calls.controller.js';

@Module({
  imports: [AuthModule, AffinityModule],
  controllers: [ParkedCallsController],
})
export class AdminModule {}
