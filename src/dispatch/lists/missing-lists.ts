import { LIST_CHANGES, LIST_FLAGS, type ListFlag, type ListMethod } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../../registry/index.js';

/**
 * The lists that were missing when clients listed everything, because their server was still starting or could not be
 * reached. Once such a list is fetched, it is announced as changed: clients have no other reason to list again.
 */
export class MissingLists {
  private readonly missing = new WeakMap<ServerDefinition, Set<ListMethod>>();

  constructor(private readonly announce: (server: string, list: ListFlag) => void) {}

  recordMissing(server: ServerDefinition, method: ListMethod): void {
    const methods = this.missing.get(server) ?? new Set();
    this.missing.set(server, methods.add(method));
  }

  recordFetched(server: ServerDefinition, method: ListMethod): void {
    if (this.missing.get(server)?.delete(method) !== true) return;
    const list = LIST_FLAGS.find((flag) => LIST_CHANGES[flag].lists.some((each) => each === method));
    if (list !== undefined) this.announce(server.slug, list);
  }
}
