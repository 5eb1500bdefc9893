import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { DatabaseModule } from '../database/index.js';
import { AccessTokens } from './access-tokens.js';
import { TokensConfig } from './tokens.config.js';

@Module({
  imports: [DatabaseModule],
  providers: [configProvider(TokensConfig), AccessTokens],
  exports: [AccessTokens, TokensConfig],
})
export class TokensModule {}
