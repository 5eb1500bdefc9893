import { LIST_CHANGES, LIST_FLAGS, type ListFlag, type ListMethod } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../../registry/index.js';

/** Maximum number of lists that are remembered for one server. Later ones are not announced. */
const MAX_MISSING_LISTS = 1_000;

/**
 * The lists that were missing when clients listed everything, because their server was still starting or could not be
 * reached. Once such a list is fetched for the same caller, it is announced as changed: clients have no other reason to list
 * again. It is announced once until the caller received it in time, so that a server that is always late, or that rejects one
 * of its callers, does not make all clients list without end.
 */
export class MissingLists {
  private readonly lists = new WeakMap<ServerDefinition, Map<string, 'missing' | 'announced'>>();

  constructor(private readonly announce: (server: string, list: ListFlag) => void) {}

  /** @param caller key of the principal that lacks the list */
  recordMissing(server: ServerDefinition, method: ListMethod, caller: string): void {
    const known = this.lists.get(server) ?? new Map<string, 'missing' | 'announced'>();
    this.lists.set(server, known);
    const key = toKey(method, caller);
    if (!known.has(key) && known.size < MAX_MISSING_LISTS) known.set(key, 'missing');
  }

  /** The list was fetched, perhaps after the client was answered. */
  recordFetched(server: ServerDefinition, method: ListMethod, caller: string): void {
    const known = this.lists.get(server);
    const key = toKey(method, caller);
    if (known?.get(key) !== 'missing') return;
    known.set(key, 'announced');
    const list = LIST_FLAGS.find((flag) => LIST_CHANGES[flag].lists.some((each) => each === method));
    if (list !== undefined) this.announce(server.slug, list);
  }

  /** The client received the list. */
  recordReceived(server: ServerDefinition, method: ListMethod, caller: string): void {
    this.lists.get(server)?.delete(toKey(method, caller));
  }
}

const toKey = (method: ListMethod, caller: string): string => `${method} ${caller}`;
