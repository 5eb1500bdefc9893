import { Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import type { ConfigClass } from './env.js';
import type { Variables } from './load-config.js';

/** The start-up configuration: the loaded config classes, and the environment that resolves `${NAME}` in files. */
export class LoadedConfig {
  private readonly byClass: ReadonlyMap<unknown, object>;

  constructor(
    instances: readonly object[],
    readonly variables: Variables = {},
  ) {
    this.byClass = new Map(instances.map((instance) => [instance.constructor, instance]));
  }

  /** The loaded config classes, in the order in which they were loaded. */
  get classes(): readonly ConfigClass[] {
    return [...this.byClass.keys()] as ConfigClass[];
  }

  /** Returns the loaded instance, or an instance with the defaults. */
  get<T extends object>(configClass: ConfigClass<T>): T {
    const instance = this.byClass.get(configClass);
    return instance instanceof configClass ? instance : new configClass();
  }
}

/** Provides the loaded configuration to every module of an application. */
@Module({})
export class ConfigModule {
  static forRoot(loaded: LoadedConfig): DynamicModule {
    const providers = [{ provide: LoadedConfig, useValue: loaded }];
    return { module: ConfigModule, global: true, providers, exports: [LoadedConfig] };
  }
}

/**
 * Provides a config class to the module that owns it. In an application without a ConfigModule, such as a test of one
 * module, the instance holds the defaults.
 */
export function configProvider<T extends object>(configClass: ConfigClass<T>): FactoryProvider<T> {
  return {
    provide: configClass,
    inject: [{ token: LoadedConfig, optional: true }],
    useFactory: (loaded?: LoadedConfig) => loaded?.get(configClass) ?? new configClass(),
  };
}
