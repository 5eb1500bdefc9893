import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** An editor writes a file in several steps; they count as one change. */
const SETTLE_MS = 100;

/**
 * Calls back after a file changed. It is the folder that is watched, because editors put a new file in the place of the
 * old one. Names that start with two dots count as well: that is how Kubernetes swaps mounted files.
 */
export function watchFile(file: string, changed: () => void, failed: (fault: Error) => void): { close(): void } {
  let timer: NodeJS.Timeout | undefined;
  const settle = (_event: string, name: string | null) => {
    if (name !== null && name !== basename(file) && !name.startsWith('..')) return;
    clearTimeout(timer);
    timer = setTimeout(changed, SETTLE_MS).unref();
  };
  const watcher = watch(dirname(file), { persistent: false }, settle).on('error', failed);
  return {
    close: () => {
      clearTimeout(timer);
      watcher.close();
    },
  };
}
