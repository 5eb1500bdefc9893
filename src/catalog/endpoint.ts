import type { ServerDefinition } from '../registry/index.js';

/** What one URL serves: the default selection, a virtual server, or one server as it is. */
export interface Endpoint {
  /** `default` or the slug. Sessions are bound to it. */
  readonly id: string;
  /** One server, unchanged: no prefixes, its own capabilities and instructions. */
  readonly transparent: boolean;
  /** Callers without a token are let in as `anonymous`. */
  readonly public: boolean;
  readonly title?: string;
  readonly instructions?: string;
  /** Enabled servers, in the order of their lists. */
  readonly servers: readonly ServerDefinition[];
  readonly shows: (kind: ItemKind, publicName: string) => boolean;
  /** True where nothing of that kind is left out. */
  readonly showsAll: (kind: ItemKind) => boolean;
}

export type ItemKind = 'tools' | 'prompts' | 'resources';
