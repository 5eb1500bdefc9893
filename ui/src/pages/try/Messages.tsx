import { Panel } from '../../components/index.js';
import styles from './try.module.css';
import type { Traffic } from './use-call.js';

/** The messages of a call as they were sent and received. */
export function Messages({ traffic }: { readonly traffic: readonly Traffic[] }) {
  if (traffic.length === 0) return null;
  return (
    <Panel title={`Messages (${traffic.length})`}>
      <ol className={styles['messages']}>
        {traffic.map(({ direction, message, at }, index) => (
          <li key={index}>
            <details>
              <summary>
                <span aria-hidden="true">{direction === 'sent' ? '→ ' : '← '}</span>
                <span className={styles['muted']}>{direction}</span> <code>{titleOf(message)}</code>{' '}
                <time className={styles['muted']} dateTime={new Date(at).toISOString()}>
                  {clockTime.format(at)}
                </time>
              </summary>
              <pre className={styles['raw']}>{JSON.stringify(message, undefined, 2)}</pre>
            </details>
          </li>
        ))}
      </ol>
    </Panel>
  );
}

const clockTime = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

function titleOf({ method, error, id }: Traffic['message']): string {
  if (typeof method === 'string') return method;
  return `${error === undefined ? 'result' : 'error'} of ${String(id)}`;
}
