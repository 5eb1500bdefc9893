import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { RegistryModule } from '../registry/index.js';
import { UpstreamModule } from '../upstream/index.js';
import { EventArchive, NoArchive } from './event-archive.js';
import { SessionPool } from './session-pool.js';
import { SessionPoolConfig } from './session-pool.config.js';
import { UpstreamCalls } from './upstream-calls.js';
import { UpstreamPool } from './upstream-pool.js';

/** Replaced where several workers share one. */
const noArchive = { provide: EventArchive, useClass: NoArchive };

@Module({
  imports: [RegistryModule, UpstreamModule],
  providers: [configProvider(SessionPoolConfig), noArchive, SessionPool, UpstreamPool, UpstreamCalls],
  exports: [EventArchive, SessionPool, UpstreamPool, UpstreamCalls],
})
export class SessionPoolModule {}
