import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { DefaultUpstreamConnector } from './connector/index.js';
import { ServerTrial } from './server-trial.js';
import { UpstreamConfig } from './upstream.config.js';
import { UpstreamConnector } from './upstream-connector.js';

@Module({
  providers: [
    configProvider(UpstreamConfig),
    ServerTrial,
    { provide: UpstreamConnector, useClass: DefaultUpstreamConnector },
  ],
  exports: [ServerTrial, UpstreamConnector],
})
export class UpstreamModule {}
