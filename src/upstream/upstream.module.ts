import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { DefaultUpstreamConnector } from './connector/index.js';
import { UpstreamConfig } from './upstream.config.js';
import { UpstreamConnector } from './upstream-connector.js';

@Module({
  providers: [configProvider(UpstreamConfig), { provide: UpstreamConnector, useClass: DefaultUpstreamConnector }],
  exports: [UpstreamConnector],
})
export class UpstreamModule {}
