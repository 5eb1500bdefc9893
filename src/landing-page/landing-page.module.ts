import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { GatewayConfig } from '../gateway.config.js';
import { LandingPageController } from './landing-page.controller.js';

@Module({ controllers: [LandingPageController], providers: [configProvider(GatewayConfig)] })
export class LandingPageModule {}
