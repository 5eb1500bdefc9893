import type { Era } from '../../mcp/index.js';
import type { JsonObject } from '../../values/index.js';
import type { Kind } from './offered-items.js';

interface Place {
  readonly endpoint: string;
  readonly era: Era;
  readonly kind: Kind;
  /** Absent: the list. */
  readonly name?: string;
  readonly args?: JsonObject | undefined;
}

/** The path of this page for an item, with what its form begins with. */
export function pathTo({ endpoint, era, kind, name = '', args = {} }: Place): string {
  const query = new URLSearchParams({ endpoint, era, kind });
  if (name !== '') query.set('name', name);
  if (Object.keys(args).length > 0) query.set('args', JSON.stringify(args));
  return `/try?${query.toString()}`;
}
