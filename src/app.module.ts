import { Module, type DynamicModule } from '@nestjs/common';
import { ConfigModule, type LoadedConfig } from '#lib/config';
import { ClockModule } from '#lib/time';
import { AdminModule } from './admin/index.js';
import { AuthModule } from './auth/index.js';
import { LandingPageModule } from './landing-page/index.js';
import { LifecycleModule } from './lifecycle/index.js';
import { MetricsModule } from './metrics/index.js';
import { RegistryModule } from './registry/index.js';
import { TransportModule } from './transport/index.js';

/** The composition root: the only file that combines all modules. */
@Module({})
export class AppModule {
  static forRoot(loaded: LoadedConfig): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(loaded),
        ClockModule,
        LifecycleModule,
        LandingPageModule,
        RegistryModule,
        AuthModule,
        AdminModule,
        TransportModule,
        MetricsModule,
      ],
    };
  }
}
