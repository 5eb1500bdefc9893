import { Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ClockModule } from '#lib/time';
import { Contributions } from './contributions.js';
import { ExtensionConsumers } from './extension-consumers.js';
import { containRejections } from './extension-scope.js';
import { ExtensionFailures } from './extension-failures.js';
import { MethodContributions } from './method-contributions.js';

/** For the modules that use contributions. Without extensions they find none. */
@Module({
  imports: [ClockModule, DiscoveryModule],
  providers: [Contributions, MethodContributions, ExtensionFailures, ExtensionConsumers],
  exports: [Contributions, MethodContributions, ExtensionFailures, ExtensionConsumers],
})
export class ContributionsModule implements OnModuleInit, OnApplicationShutdown {
  private stopContaining: (() => void) | undefined;

  constructor(private readonly failures: ExtensionFailures) {}

  onModuleInit(): void {
    this.stopContaining = containRejections((extension, cause) =>
      this.failures.report(`${extension}, which left a rejection that nobody handles`, cause),
    );
  }

  onApplicationShutdown(): void {
    this.stopContaining?.();
  }
}
