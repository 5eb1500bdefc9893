import { Module, type OnModuleInit } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { AddressGuard } from '#lib/address-guard';
import { UPSTREAM_ADAPTERS, UpstreamCredentials } from '#lib/extension-kit';
import { Clock } from '#lib/time';
import { Contributions, strategyProvider } from '../extensions/index.js';
import { RegistryModule, ServerKinds } from '../registry/index.js';
import { OWN_ADAPTERS, toAdapterTable, UpstreamAdapters } from './adapters/index.js';
import { DefaultUpstreamConnector } from './connector/index.js';
import { ConnectionTest } from './connection-test.js';
import { CredentialSource, EntryCredentials } from './credentials/index.js';
import { FailureDetails } from './failure-details.js';
import { ServerProbe } from './server-probe.js';
import { UpstreamConfig } from './upstream.config.js';
import { UpstreamConnector } from './upstream-connector.js';
import { UpstreamServices } from './upstream-services.js';

const serverProbe = {
  provide: ServerProbe,
  inject: [UpstreamConfig, Clock, AddressGuard, CredentialSource, UpstreamAdapters],
  useFactory: (...injected: ConstructorParameters<typeof ServerProbe>) => new ServerProbe(...injected),
};

const credentialSource = {
  provide: CredentialSource,
  inject: [UpstreamCredentials, FailureDetails, Clock],
  useFactory: (strategy: UpstreamCredentials, details: FailureDetails, clock: Clock) =>
    new CredentialSource(strategy, details, clock),
};

/** Read at the first use: contributions are complete when Nest has made all providers. */
const adapterTable = {
  provide: UpstreamAdapters,
  inject: [UpstreamServices, ServerKinds, { token: Contributions, optional: true }],
  useFactory: (services: UpstreamServices, kinds: ServerKinds, contributions?: Contributions) =>
    contributions
      ? new UpstreamAdapters(() => toAdapterTable(contributions.of(UPSTREAM_ADAPTERS), kinds))
      : UpstreamAdapters.own(services),
};

@Module({
  imports: [RegistryModule],
  providers: [
    configProvider(UpstreamConfig),
    ConnectionTest,
    credentialSource,
    EntryCredentials,
    FailureDetails,
    UpstreamServices,
    ...OWN_ADAPTERS,
    adapterTable,
    { provide: UpstreamConnector, useClass: DefaultUpstreamConnector },
    serverProbe,
    strategyProvider(UpstreamCredentials, EntryCredentials),
  ],
  exports: [ConnectionTest, CredentialSource, EntryCredentials, FailureDetails, ServerProbe, UpstreamConnector],
})
export class UpstreamModule implements OnModuleInit {
  constructor(private readonly adapters: UpstreamAdapters) {}

  /** @throws ExtensionFault for an adapter that cannot be used */
  onModuleInit(): void {
    void this.adapters.all;
  }
}
