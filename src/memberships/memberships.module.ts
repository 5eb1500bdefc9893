import { Module } from '@nestjs/common';
import { RegistryModule } from '../registry/index.js';
import { Memberships } from './memberships.js';

@Module({
  imports: [RegistryModule],
  providers: [Memberships],
  exports: [Memberships],
})
export class MembershipsModule {}
