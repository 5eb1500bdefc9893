import { Badge, Definitions } from '../../components/index.js';
import type { Trial } from './server-queries.js';
import styles from './servers.module.css';

/** What a connection to a server has shown. */
export function TrialResult({ trial }: { readonly trial: Trial }) {
  return (
    <output className={styles['trial']}>
      <span>
        <Badge tone={trial.reachable ? 'good' : 'bad'}>{trial.reachable ? 'reachable' : 'not reachable'}</Badge>
      </span>
      <Definitions items={trial.reachable ? factsOf(trial) : faultsOf(trial)} />
    </output>
  );
}

function factsOf(trial: Extract<Trial, { reachable: true }>) {
  const { name, version, era, revision, tools, capabilities, warnings, tookMs } = trial;
  return {
    Server: [name, version].filter(Boolean).join(' ') || undefined,
    Era: `${era}, revision ${revision}`,
    Tools: tools,
    Capabilities: capabilities.join(', ') || 'none',
    Warnings: warnings && warnings.length > 0 ? warnings.join('; ') : undefined,
    Took: `${tookMs} ms`,
  };
}

const faultsOf = ({ reason, detail, tookMs }: Extract<Trial, { reachable: false }>) => ({
  Reason: reason,
  Detail: detail,
  Took: `${tookMs} ms`,
});
