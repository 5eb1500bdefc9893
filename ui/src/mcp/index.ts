export type { Era, McpClient } from './client.js';
export { LEGACY_REVISION, LegacyClient } from './legacy-client.js';
export { Declined, McpError, type Message, type Outcome, type Question } from './messages.js';
export { MODERN_REVISION, ModernClient } from './modern-client.js';
export { toolHeaders } from './tool-headers.js';
