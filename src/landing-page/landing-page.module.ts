import { Module } from '@nestjs/common';
import { LandingPageController } from './landing-page.controller.js';

@Module({ controllers: [LandingPageController] })
export class LandingPageModule {}
