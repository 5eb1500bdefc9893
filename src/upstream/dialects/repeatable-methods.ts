import { isListMethod } from '#lib/mcp-protocol';

/** True for a method without effects, which a server may execute twice. */
export const mayRunTwice = (method: string): boolean =>
  isListMethod(method) || method === 'ping' || method === 'server/discover';
