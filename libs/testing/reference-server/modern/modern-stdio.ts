import { serveStdio } from '@modelcontextprotocol/server/stdio';

import type { ReferenceWorld } from '../features/index.js';
import { ModernServer, newStateCodec } from './modern-server.js';

/** Serves one client over this process's standard streams, in the modern era only. */
export function serveModernStdio(world: ReferenceWorld, pageSize: number): void {
  const codec = newStateCodec();
  serveStdio(() => announcing(world, new ModernServer(world, pageSize, codec)), { legacy: 'reject' });
}

/** Over stdio the SDK routes a server's own notifications to the subscriptions of its connection. */
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
