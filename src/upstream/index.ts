export { Backoff } from './channels/backoff.js';
export { missedBy, type ChangeFilter } from './change-filter.js';
export { ServerTrial, type Trial } from './server-trial.js';
export { UpstreamConfig } from './upstream.config.js';
export { UpstreamModule } from './upstream.module.js';
export type {
  Asker,
  ConnectionEvents,
  Listening,
  RefusedResource,
  ServerProfile,
  UpstreamConnection,
  UpstreamReply,
  UpstreamRequest,
} from './upstream-connection.js';
export { readUpstreamSession, type UpstreamSessionState } from './upstream-session-state.js';
export { UpstreamConnector } from './upstream-connector.js';
