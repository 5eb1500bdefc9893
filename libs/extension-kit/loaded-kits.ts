import { PRODUCT } from './product.js';

/** One copy of this library in the process. */
export interface LoadedKit {
  readonly version: string;
  /** URL of its module. */
  readonly location: string;
}

const REGISTRY = Symbol.for('isthmus.extension-kits');

type Registry = { [REGISTRY]?: LoadedKit[] };

/**
 * All copies of the extension kit in this process, this one among them. Classes of another copy are different classes, so an
 * extension that was installed with one of its own would be ignored silently.
 */
export function loadedKits(): readonly LoadedKit[] {
  return ((globalThis as Registry)[REGISTRY] ??= []);
}

/** Records this copy. */
export function registerKit(location: string): void {
  const kits = ((globalThis as Registry)[REGISTRY] ??= []);
  if (!kits.some((kit) => kit.location === location)) kits.push({ version: PRODUCT.version, location });
}
