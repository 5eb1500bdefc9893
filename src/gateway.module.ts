import { Module, type DynamicModule } from '@nestjs/common';
import { ConfigModule, loadConfig, LoadedConfig, type Variables } from '#lib/config';
import {
  AccessPolicy,
  defaultOf,
  PlacementStrategy,
  SecretStore,
  STRATEGIES,
  TokenVerifier,
  UpstreamCredentials,
} from '#lib/extension-kit';
import { ClockModule } from '#lib/time';
import { AdminModule } from './admin/index.js';
import { AdminPageModule } from './admin-page/index.js';
import { AuthModule, PassportTokenVerifier } from './auth/index.js';
import { ConnectionsModule, RendezvousPlacement } from './connections/index.js';
import { ExtensionsConfig, ExtensionsModule, loadExtensions, type Extension } from './extensions/index.js';
import { GATEWAY_SETTINGS } from './gateway-settings.js';
import { GuardrailsModule } from './guardrails/index.js';
import { InterceptionModule } from './interception/index.js';
import { LandingPageModule } from './landing-page/index.js';
import { LifecycleModule } from './lifecycle/index.js';
import { MetricsModule } from './metrics/index.js';
import { ConfiguredAccessPolicy, PolicyModule } from './policy/index.js';
import { ReadinessChecksModule } from './readiness-checks/index.js';
import { DataFolderSecretStore, RegistryModule } from './registry/index.js';
import { TransportModule } from './transport/index.js';
import { EntryCredentials, UpstreamModule } from './upstream/index.js';

export interface GatewayModuleOptions {
  /** The `ISTHMUS_*` settings, and the variables to which `${NAME}` in the configuration file refers. */
  readonly variables?: Variables;
  /** Modules that extend the gateway, besides those of `ISTHMUS_EXTENSIONS`. */
  readonly extensions?: readonly Extension[];
}

/** The gateway's own strategies, which a replacement may inject (`InjectDefault`). */
@Module({
  imports: [AuthModule, ConnectionsModule, PolicyModule, RegistryModule, UpstreamModule],
  providers: [
    { provide: defaultOf(AccessPolicy), useExisting: ConfiguredAccessPolicy },
    { provide: defaultOf(TokenVerifier), useExisting: PassportTokenVerifier },
    { provide: defaultOf(UpstreamCredentials), useExisting: EntryCredentials },
    { provide: defaultOf(SecretStore), useExisting: DataFolderSecretStore },
    { provide: defaultOf(PlacementStrategy), useExisting: RendezvousPlacement },
  ],
  exports: STRATEGIES.map(defaultOf),
})
class DefaultStrategiesModule {}

/** The composition root: the only file that combines all modules. */
@Module({})
export class GatewayModule {
  /**
   * The gateway as a module, for Nest's testing module: `Test.createTestingModule({ imports: [GatewayModule.forRoot({ … })] })`.
   * @throws ConfigFault that lists every invalid setting, ExtensionFault
   */
  static async forRoot({ variables = {}, extensions = [] }: GatewayModuleOptions = {}): Promise<DynamicModule> {
    const loaded = new LoadedConfig(loadConfig(GATEWAY_SETTINGS, variables), variables);
    return GatewayModule.fromConfig(loaded, extensions);
  }

  /** @throws ExtensionFault */
  static async fromConfig(loaded: LoadedConfig, extensions: readonly Extension[] = []): Promise<DynamicModule> {
    const named = await loadExtensions(loaded.get(ExtensionsConfig).extensions);
    return {
      module: GatewayModule,
      imports: [
        ConfigModule.forRoot(loaded),
        ClockModule,
        { module: DefaultStrategiesModule, global: true },
        await ExtensionsModule.forRoot([...named, ...extensions]),
        GuardrailsModule,
        LifecycleModule,
        LandingPageModule,
        RegistryModule,
        AuthModule,
        AdminModule,
        AdminPageModule,
        TransportModule,
        InterceptionModule,
        MetricsModule,
        ReadinessChecksModule,
      ],
    };
  }
}
