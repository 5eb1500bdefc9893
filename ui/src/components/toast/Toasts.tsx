import { Toast } from '@base-ui/react/toast';
import type { ReactNode } from 'react';
import { Icon } from '../text/Icon.js';
import styles from './Toasts.module.css';

const manager = Toast.createToastManager();

/** Shows for some seconds that something was done. */
export function notify(title: string): void {
  manager.add({ title });
}

export function ToastProvider({ children }: { readonly children: ReactNode }) {
  return (
    <Toast.Provider toastManager={manager}>
      {children}
      <Toast.Portal>
        <Toast.Viewport className={styles['viewport']}>
          <ToastList />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function ToastList() {
  const { toasts } = Toast.useToastManager();
  return toasts.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className={styles['toast']}>
      <Toast.Title className={styles['title']} render={<p />} />
      <Toast.Close className={styles['close']} aria-label="Close">
        <Icon name="close" />
      </Toast.Close>
    </Toast.Root>
  ));
}
