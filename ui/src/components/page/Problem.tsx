import { ApiProblem } from '../../api/index.js';
import { Button } from '../button/Button.js';
import styles from './Problem.module.css';

interface ProblemProps {
  readonly cause: Error;
  readonly retry?: () => void;
}

/** Shows a failure in the words of the API. */
export function Problem({ cause, retry }: ProblemProps) {
  const { title, text, faults } = toTexts(cause);
  return (
    <div role="alert" className={styles['problem']}>
      <div className={styles['text']}>
        <p className={styles['title']}>{title}</p>
        {text !== undefined && <p>{text}</p>}
        {faults.length > 0 && (
          <ul className={styles['faults']}>
            {faults.map((fault) => (
              <li key={fault}>{fault}</li>
            ))}
          </ul>
        )}
      </div>
      {retry && (
        <Button size="small" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

function toTexts(cause: Error): { title: string; text: string | undefined; faults: readonly string[] } {
  if (cause instanceof ApiProblem) {
    const faults = cause.faults.filter((fault) => cause.detail?.includes(fault) !== true);
    return { title: cause.title, text: cause.detail, faults };
  }
  // The browser reports an unreachable host as a TypeError, with a text that helps nobody.
  if (cause instanceof TypeError)
    return { title: 'The gateway cannot be reached.', text: 'Check the network, then try again.', faults: [] };
  return { title: cause.message, text: undefined, faults: [] };
}
