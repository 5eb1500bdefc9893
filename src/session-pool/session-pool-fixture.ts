import { SystemClock } from '#lib/time';
/** Fixtures that the specs of the session pool share. */
import { LEGACY_CLIENT, callerOf } from '../../test/support/fake-upstream.js';
import type { EventArchive } from './event-archive.js';
import { SessionPoolConfig } from './session-pool.config.js';
import type { SessionAccess } from './session-access.js';
import type { SessionStart } from './session-start.js';
import { Session } from './session.js';

export const limits = (settings: Partial<SessionPoolConfig> = {}): SessionPoolConfig =>
  Object.assign(new SessionPoolConfig(), settings);

let sessions = 0;

export const sessionStart = (start: Partial<SessionStart> = {}): SessionStart => ({
  id: `session-${(sessions += 1)}`,
  caller: callerOf('me'),
  endpoint: 'default',
  client: LEGACY_CLIENT,
  answersOnServerStream: false,
  ...start,
});

export const createSession = (
  start: Partial<SessionStart> = {},
  settings: Partial<SessionPoolConfig> = {},
  archive?: EventArchive,
): Session => new Session(sessionStart(start), limits(settings), new SystemClock(), archive);

/** Lets the caller of a session see some servers, and receive from some what the gateway does not know. */
export const accessTo = (
  shows: (server: string) => boolean,
  passes: (server: string) => boolean = () => false,
): SessionAccess => ({
  showsServer: (_session, server) => shows(server),
  passesUnknownMethods: (_session, server) => passes(server),
});

export const notificationEvent = (method: string, params = {}) =>
  ({ kind: 'notification', notification: { method, params } }) as const;

export const NEVER_ABORTED = new AbortController().signal;
