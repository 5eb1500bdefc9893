import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { RedisConfig } from '#lib/redis';
import { Coordination } from './coordination.js';

const coordination = {
  provide: Coordination,
  inject: [RedisConfig],
  useFactory: (config: RedisConfig) => new Coordination(config),
};

@Module({ providers: [configProvider(RedisConfig), coordination], exports: [Coordination] })
export class CoordinationModule {}
