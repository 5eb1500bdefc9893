import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { RegistryModule } from '../registry/index.js';
import { UpstreamModule } from '../upstream/index.js';
import { SessionPool } from './session-pool.js';
import { SessionPoolConfig } from './session-pool.config.js';
import { UpstreamCalls } from './upstream-calls.js';
import { UpstreamPool } from './upstream-pool.js';

@Module({
  imports: [RegistryModule, UpstreamModule],
  providers: [configProvider(SessionPoolConfig), SessionPool, UpstreamPool, UpstreamCalls],
  exports: [SessionPool, UpstreamPool, UpstreamCalls],
})
export class SessionPoolModule {}
