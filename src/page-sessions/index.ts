export { LoginStates, type LoginState } from './open-id/login-states.js';
export { OpenIdConfig } from './open-id/open-id.config.js';
export { LoginFailed } from './open-id/open-id.errors.js';
export { OpenIdProvider, type ProviderTokens } from './open-id/open-id-provider.js';
export type { LoginMethod } from './page-session.js';
export { PageSessions, type NewSession } from './page-sessions.js';
export { PageSessionsModule } from './page-sessions.module.js';
