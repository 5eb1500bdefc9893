import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { Clock } from '#lib/time';
import { Coordination, CoordinationModule } from '../coordination/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { GatewayConfig } from '../gateway.config.js';
import { LoginStates } from './open-id/login-states.js';
import { OpenIdConfig } from './open-id/open-id.config.js';
import { OpenIdProvider } from './open-id/open-id-provider.js';
import { MemoryPageSessionStore, PageSessionStore } from './page-session-store.js';
import { PageSessions } from './page-sessions.js';
import { RedisPageSessionStore } from './redis-page-session-store.js';
import { SameOrigin } from './same-origin.js';
import { SessionCookie } from './session-cookie.js';
import { SessionWatch } from './session-watch.js';

const sessionStore = {
  provide: PageSessionStore,
  inject: [Coordination, DataFolder, Clock],
  useFactory: ({ redis }: Coordination, { secrets }: DataFolder, clock: Clock) =>
    redis ? new RedisPageSessionStore(redis, secrets.session, clock) : new MemoryPageSessionStore(clock),
};

@Module({
  imports: [CoordinationModule, DataFolderModule],
  providers: [
    configProvider(GatewayConfig),
    configProvider(OpenIdConfig),
    sessionStore,
    SessionCookie,
    SameOrigin,
    SessionWatch,
    OpenIdProvider,
    LoginStates,
    PageSessions,
  ],
  exports: [PageSessions, OpenIdConfig, OpenIdProvider, LoginStates],
})
export class PageSessionsModule {}
