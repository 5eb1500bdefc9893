import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { GatewayConfig } from '../gateway.config.js';
import { HealthModule } from '../health/index.js';
import { Drain } from './drain.js';

@Module({ imports: [HealthModule], providers: [configProvider(GatewayConfig), Drain], exports: [Drain] })
export class DrainModule {}
