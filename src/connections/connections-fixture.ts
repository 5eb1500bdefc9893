/** What the specs of connections share. */
import { SessionPoolConfig } from '../session-pool/index.js';
import { ConnectionsConfig } from './connections.config.js';

type Settings = SessionPoolConfig & ConnectionsConfig;

export const limits = (settings: Partial<Settings> = {}): Settings =>
  Object.assign(new SessionPoolConfig(), new ConnectionsConfig(), settings);
