/** What the specs of calls share. */
import { ConnectionsConfig } from '../connections/index.js';
import { SessionPoolConfig } from '../session-pool/index.js';
import { CallsConfig } from './calls.config.js';

type Settings = SessionPoolConfig & ConnectionsConfig & CallsConfig;

export const limits = (settings: Partial<Settings> = {}): Settings =>
  Object.assign(new SessionPoolConfig(), new ConnectionsConfig(), new CallsConfig(), settings);
