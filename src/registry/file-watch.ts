import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock } from '#lib/time';

/** An editor writes a file in several steps, which are reported as one change. */
const DEBOUNCE_MS = 100;

/**
 * Calls `onChange` after the file has changed. It watches the folder, because editors replace the file by a new one. Names
 * that start with two dots count as changes of the file too: Kubernetes replaces mounted files through such links.
 */
export function watchFile(
  file: string,
  onChange: () => void,
  onFailure: (fault: Error) => void,
  clock: Clock,
): { close(): void } {
  let cancelTimer: (() => void) | undefined;
  const debounce = (_event: string, name: string | null) => {
    if (name !== null && name !== basename(file) && !name.startsWith('..')) return;
    cancelTimer?.();
    cancelTimer = clock.after(DEBOUNCE_MS, onChange);
  };
  const watcher = watch(dirname(file), { persistent: false }, debounce).on('error', onFailure);
  return {
    close: () => {
      cancelTimer?.();
      watcher.close();
    },
  };
}
