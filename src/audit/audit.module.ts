import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { DatabaseModule } from '../database/index.js';
import { AuditLog } from './audit-log.js';
import { AuditConfig } from './audit.config.js';

@Module({
  imports: [DatabaseModule],
  providers: [configProvider(AuditConfig), AuditLog],
  exports: [AuditLog],
})
export class AuditModule {}
