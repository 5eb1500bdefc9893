import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';

import type { ReferenceWorld } from '../features/index.js';
import { LegacyServer } from './legacy-server.js';

/** Serves one client over this process's standard streams. */
export async function serveLegacyStdio(world: ReferenceWorld, pageSize: number): Promise<void> {
  const { server } = new LegacyServer(world, pageSize);
  await server.connect(new StdioServerTransport());
  // The SDK's transport does not notice that its client left.
  process.stdin.on('end', () => void server.close());
}
