import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { RegistryModule } from '../registry/index.js';
import { DefaultUpstreamConnector } from './connector/index.js';
import { ConnectionTest } from './connection-test.js';
import { FailureDetails } from './failure-details.js';
import { UpstreamConfig } from './upstream.config.js';
import { UpstreamConnector } from './upstream-connector.js';

@Module({
  imports: [RegistryModule],
  providers: [
    configProvider(UpstreamConfig),
    ConnectionTest,
    FailureDetails,
    { provide: UpstreamConnector, useClass: DefaultUpstreamConnector },
  ],
  exports: [ConnectionTest, FailureDetails, UpstreamConnector],
})
export class UpstreamModule {}
