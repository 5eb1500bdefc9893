import { Panel } from '../../components/index.js';
import styles from './servers.module.css';

interface LeftOutProps {
  readonly parts: readonly { readonly place: string; readonly part?: string | undefined; readonly reason: string }[];
}

/** What an import did not take from a document, with the reasons. */
export function LeftOut({ parts }: LeftOutProps) {
  if (parts.length === 0) return null;
  return (
    <Panel title="Left out">
      <ul className={styles['list']}>
        {parts.map(({ place, part, reason }) => (
          <li key={`${place} ${part ?? ''} ${reason}`}>
            <code>{place}</code> {part}: {reason}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
