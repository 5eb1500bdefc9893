export { Backoff } from './channels/backoff.js';
export { toMissedChanges, type ChangeFilter } from './change-filter.js';
export { ConnectionTest, type ConnectionTestResult } from './connection-test.js';
export {
  COMMON_ACCOUNT,
  CredentialsDiffer,
  CredentialSource,
  EntryCredentials,
  type ServerCredentials,
} from './credentials/index.js';
export { FailureDetails } from './failure-details.js';
export { isUnreachable, pingServer } from './ping-server.js';
export { ServerProbe, type ProbeResult } from './server-probe.js';
export { UpstreamConfig } from './upstream.config.js';
export { UpstreamModule } from './upstream.module.js';
export { readCurrentProfile } from './upstream-connection.js';
export type {
  CallIdentity,
  ConnectionEvents,
  UpstreamSubscription,
  RefusedResource,
  ServerProfile,
  UpstreamConnection,
  UpstreamReply,
  UpstreamRequest,
} from './upstream-connection.js';
export { readUpstreamSession, type UpstreamSessionState } from './upstream-session-state.js';
export { BLOCKED_BY_QUESTION, needsNewConnection, onNewConnection } from './upstream.errors.js';
export { UpstreamConnector } from './upstream-connector.js';
