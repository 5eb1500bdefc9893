import { useSyncExternalStore } from 'react';
import { Icon } from '../text/Icon.js';
import styles from './Toasts.module.css';

const SHOWN_MS = 6_000;
const MAX_SHOWN = 3;

interface Toast {
  readonly id: number;
  readonly title: string;
}

let toasts: readonly Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function replaceToasts(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

const close = (id: number): void => replaceToasts(toasts.filter((toast) => toast.id !== id));

/** Shows for some seconds that something was done. */
export function notify(title: string): void {
  const id = (lastId += 1);
  replaceToasts([...toasts.slice(1 - MAX_SHOWN), { id, title }]);
  setTimeout(() => close(id), SHOWN_MS);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    <section className={styles['viewport']} aria-label="Notifications" aria-live="polite">
      {shown.map(({ id, title }) => (
        <div key={id} className={styles['toast']}>
          <p className={styles['title']}>{title}</p>
          <button type="button" className={styles['close']} aria-label="Close" onClick={() => close(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </section>
  );
}
