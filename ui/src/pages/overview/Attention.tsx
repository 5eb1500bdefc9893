import { useExpiringCredentials, type LiveFigures } from '../../api/index.js';
import { Badge, PageLink, Panel, type Tone } from '../../components/index.js';
import { ExpiringCredentials } from './ExpiringCredentials.js';
import { FailingServers } from './FailingServers.js';
import styles from './overview.module.css';

interface Note {
  readonly count: number;
  readonly tone: Tone;
  /** Says in the singular and in the plural what needs attention. */
  readonly texts: readonly [one: string, many: string];
  readonly path: string;
}

function notesOf({ attention, workers }: LiveFigures): readonly Note[] {
  return [
    {
      count: attention.quarantinedTools,
      tone: 'warning',
      texts: [
        'tool is quarantined until its new definition is approved',
        'tools are quarantined until their new definitions are approved',
      ],
      path: '/items?state=quarantined',
    },
    {
      count: attention.changedTools,
      tone: 'info',
      texts: [
        'tool has changed its definition since it was approved',
        'tools have changed their definitions since they were approved',
      ],
      path: '/items?state=changed',
    },
    {
      count: attention.warningWorkers,
      tone: 'warning',
      texts: ['worker reports a warning', 'workers report warnings'],
      path: '/sessions/workers',
    },
    {
      count: workers.silent,
      tone: 'bad',
      texts: ['worker does not reply', 'workers do not reply'],
      path: '/sessions/workers',
    },
  ];
}

/** What an operator should look at, with the pages that help. */
export function Attention({ figures }: { readonly figures: LiveFigures }) {
  const notes = notesOf(figures).filter(({ count }) => count > 0);
  const failing = figures.attention.failingServers;
  const { data: expiring = [] } = useExpiringCredentials();
  return (
    <Panel title="Needs attention">
      <ul className={styles['notes']}>
        {failing > 0 && <FailingServers />}
        {notes.map(({ count, tone, texts, path }) => (
          <li key={texts[0]} className={styles['note']}>
            <Badge tone={tone}>{count}</Badge>
            <PageLink to={path}>{texts[count === 1 ? 0 : 1]}</PageLink>
          </li>
        ))}
        <ExpiringCredentials items={expiring} />
        {failing === 0 && notes.length === 0 && expiring.length === 0 && (
          <li className={styles['note']}>
            <Badge tone="good">none</Badge> All servers reply, no definition waits for an approval, and no credential
            expires soon.
          </li>
        )}
      </ul>
    </Panel>
  );
}
