import styles from './Loading.module.css';

/** Shown while something is read. */
export function Loading({ what }: { readonly what: string }) {
  return <output className={styles['loading']}>Loading {what} …</output>;
}
