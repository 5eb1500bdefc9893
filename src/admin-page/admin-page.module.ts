import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { AdminModule } from '../admin/index.js';
import { AuditModule } from '../audit/index.js';
import { AuthModule } from '../auth/index.js';
import { ClientAddressModule } from '../client-address/index.js';
import { GatewayConfig } from '../gateway.config.js';
import { PageSessionsModule } from '../page-sessions/index.js';
import { LoginController } from './login.controller.js';
import { LoginRecords } from './login-records.js';
import { OpenIdLogin } from './open-id-login.js';
import { PageLogin } from './page-login.js';
import { PageRoutes } from './page-routes.js';
import { SessionController } from './session.controller.js';

@Module({
  imports: [AdminModule, AuditModule, AuthModule, ClientAddressModule, PageSessionsModule],
  controllers: [SessionController, LoginController],
  providers: [configProvider(GatewayConfig), LoginRecords, OpenIdLogin, PageLogin, PageRoutes],
})
export class AdminPageModule {}
