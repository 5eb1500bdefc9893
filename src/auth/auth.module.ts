import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { TokenVerifier } from '#lib/extension-kit';
import { DataFolderModule } from '../data-folder/index.js';
import { strategyProvider } from '../extensions/index.js';
import { GatewayConfig } from '../gateway.config.js';
import { MembershipsModule } from '../memberships/index.js';
import { TokensModule } from '../tokens/index.js';
import { AuthConfig } from './auth.config.js';
import { CallerAuthenticator } from './caller-authenticator.js';
import { PassportTokenVerifier } from './passport-token-verifier.js';
import { ProtectedResource } from './protected-resource.js';
import { ProtectedResourceController } from './protected-resource.controller.js';
import { AccessTokenVerifier } from './access-token-verifier.js';
import { TokenIssuer } from './token-issuer.js';

@Module({
  imports: [DataFolderModule, MembershipsModule, TokensModule],
  controllers: [ProtectedResourceController],
  providers: [
    configProvider(AuthConfig),
    configProvider(GatewayConfig),
    PassportTokenVerifier,
    strategyProvider(TokenVerifier, PassportTokenVerifier),
    ProtectedResource,
    CallerAuthenticator,
    AccessTokenVerifier,
    TokenIssuer,
  ],
  exports: [AuthConfig, CallerAuthenticator, ProtectedResource, TokenIssuer, PassportTokenVerifier],
})
export class AuthModule {}
