import { Module } from '@nestjs/common';
import { AccessPolicy } from '#lib/extension-kit';
import { strategyProvider } from '../extensions/index.js';
import { RegistryModule } from '../registry/index.js';
import { ConfiguredAccessPolicy } from './configured-access-policy.js';

@Module({
  imports: [RegistryModule],
  providers: [ConfiguredAccessPolicy, strategyProvider(AccessPolicy, ConfiguredAccessPolicy)],
  exports: [AccessPolicy, ConfiguredAccessPolicy],
})
export class PolicyModule {}
