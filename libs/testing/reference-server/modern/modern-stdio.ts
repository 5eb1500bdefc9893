import type { Readable, Writable } from 'node:stream';

import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio';

import type { ReferenceWorld } from '../features/index.js';
import { ModernServer, newStateCodec } from './modern-server.js';

/** Serves one modern client over a pair of streams, by default those of this process. */
export function serveModernStdio(
  world: ReferenceWorld,
  pageSize: number,
  { stdin, stdout }: { stdin: Readable; stdout: Writable } = process,
): void {
  const codec = newStateCodec();
  const transport = new StdioServerTransport(stdin, stdout);
  serveStdio(() => announcing(world, new ModernServer(world, pageSize, codec)), { legacy: 'reject', transport });
}

/** Over stdio the SDK routes the server's notifications to the subscriptions of its connection. */
function announcing(world: ReferenceWorld, modern: ModernServer): ModernServer {
  const stopListening = world.onChange((change) => {
    const { server } = modern;
    if (!server.transport) return;
    if (change.kind === 'tools') void server.sendToolListChanged();
    else if (change.kind === 'prompts') void server.sendPromptListChanged();
    else if (change.kind === 'resources') void server.sendResourceListChanged();
    else void server.sendResourceUpdated({ uri: change.uri });
  });
  modern.server.onclose = stopListening;
  return modern;
}
