import { Badge, Panel, type Tone } from '../../components/index.js';
import styles from './try.module.css';
import type { Call, LogEntry, Progress } from './use-call.js';

const TONES: Readonly<Record<string, Tone>> = {
  warning: 'warning',
  error: 'bad',
  critical: 'bad',
  alert: 'bad',
  emergency: 'bad',
};

/** Shows the progress and the log messages that a server sends while a call runs. */
export function CallProgress({ call }: { readonly call: Call }) {
  const { progress, logs, state } = call;
  if (state !== 'running' && logs.length === 0) return null;
  return (
    <Panel title={state === 'running' ? 'The call is running' : 'Log messages'}>
      <div className={styles['stack']}>
        {state === 'running' && <Bar progress={progress} />}
        {logs.length > 0 && (
          <ul className={styles['logs']} aria-label="Log messages">
            {logs.map((entry, index) => (
              <Entry key={index} {...entry} />
            ))}
          </ul>
        )}
      </div>
    </Panel>
  );
}

function Bar({ progress }: { readonly progress: Progress | undefined }) {
  const isKnown = progress?.total !== undefined && progress.total > 0;
  return (
    <div>
      <progress
        aria-label="Progress"
        className={styles['progress']}
        {...(isKnown && { value: progress.progress, max: progress.total })}
      />
      {progress && (
        <p className={styles['muted']}>
          {progress.progress}
          {progress.total !== undefined && ` of ${progress.total}`}
          {progress.message !== undefined && `: ${progress.message}`}
        </p>
      )}
    </div>
  );
}

function Entry({ level, logger, data }: LogEntry) {
  return (
    <li className={styles['log']}>
      <Badge tone={TONES[level] ?? 'neutral'}>{level}</Badge>
      <span className={styles['text']}>
        {logger !== undefined && <span className={styles['muted']}>{logger} </span>}
        {typeof data === 'string' ? data : JSON.stringify(data)}
      </span>
    </li>
  );
}
