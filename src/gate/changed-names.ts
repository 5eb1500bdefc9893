import type { ItemKind } from '#lib/extension-kit';

/** Maximum number of names that are remembered. Beyond it all are forgotten, and read again from the next list. */
const MAX_NAMES = 100_000;

/**
 * The names of items by public names that do not contain them (decision 41). A public name depends on the name alone, so an
 * entry never becomes wrong.
 */
export class ChangedNames {
  private readonly names = new Map<string, string>();

  learn(kind: ItemKind, names: ReadonlyMap<string, string>): void {
    if (this.names.size + names.size > MAX_NAMES) this.names.clear();
    for (const [publicName, name] of names) this.names.set(toKey(kind, publicName), name);
  }

  find(kind: ItemKind, publicName: string): string | undefined {
    return this.names.size === 0 ? undefined : this.names.get(toKey(kind, publicName));
  }
}

const toKey = (kind: ItemKind, publicName: string): string => `${kind} ${publicName}`;
