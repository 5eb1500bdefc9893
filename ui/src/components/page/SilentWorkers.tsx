import { ShortId } from '../text/ShortId.js';
import styles from './SilentWorkers.module.css';

/** Says that a list of what workers have may be incomplete. */
export function SilentWorkers({ workers }: { readonly workers: readonly string[] }) {
  if (workers.length === 0) return null;
  return (
    <output className={styles['silent']}>
      {workers.length === 1 ? 'One worker has not replied' : `${workers.length} workers have not replied`}, so what
      {workers.length === 1 ? ' it has' : ' they have'} is missing here:{' '}
      {workers.map((worker) => (
        <span key={worker}>
          <ShortId id={worker} />{' '}
        </span>
      ))}
    </output>
  );
}
