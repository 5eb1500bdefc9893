import type { Readable, Writable } from 'node:stream';

import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';

import type { ReferenceWorld } from '../features/index.js';
import { LegacyServer } from './legacy-server.js';

/** Serves one client over a pair of streams, by default those of this process. */
export async function serveLegacyStdio(
  world: ReferenceWorld,
  pageSize: number,
  { stdin, stdout }: { stdin: Readable; stdout: Writable } = process,
): Promise<void> {
  const { server } = new LegacyServer(world, pageSize);
  await server.connect(new StdioServerTransport(stdin, stdout));
  // The SDK's transport does not detect the end of its input.
  stdin.on('end', () => void server.close());
}
