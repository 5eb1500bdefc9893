import { Module } from '@nestjs/common';
import { AccessPolicy } from '#lib/extension-kit';
import { RegistryModule } from '../registry/index.js';
import { ConfiguredAccessPolicy } from './configured-access-policy.js';

@Module({
  imports: [RegistryModule],
  providers: [ConfiguredAccessPolicy, { provide: AccessPolicy, useExisting: ConfiguredAccessPolicy }],
  exports: [AccessPolicy, ConfiguredAccessPolicy],
})
export class PolicyModule {}
