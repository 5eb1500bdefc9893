import { useQuery } from '@tanstack/react-query';
import { api, dataOf } from '../../api/index.js';
import { Badge, PageLink, Time } from '../../components/index.js';
import styles from './overview.module.css';

const MAX_SHOWN = 5;
const INTERVAL_MS = 10_000;

/** The servers that are down, with their last errors. */
export function FailingServers() {
  const { data = [] } = useQuery({
    queryKey: ['health', 'down'],
    queryFn: async () => {
      const { items } = await dataOf(api.GET('/admin/v1/health'));
      return items.filter(({ enabled, state }) => enabled && state === 'down');
    },
    refetchInterval: INTERVAL_MS,
  });
  return (
    <>
      {data.slice(0, MAX_SHOWN).map(({ server, since, lastError, workers }) => {
        const failed = lastError ?? workers.find(({ state }) => state === 'down');
        return (
          <li key={server} className={styles['note']}>
            <Badge tone="bad">down</Badge>
            <PageLink to={`/servers/${server}`}>{server}</PageLink>
            <span className={styles['muted']}>
              {failed?.detail ?? failed?.reason}
              {since !== undefined && (
                <>
                  , since <Time at={since} />
                </>
              )}
            </span>
          </li>
        );
      })}
      {data.length > MAX_SHOWN && (
        <li className={styles['note']}>
          <Badge tone="bad">{data.length - MAX_SHOWN}</Badge>
          <PageLink to="/servers?state=down">more servers are down</PageLink>
        </li>
      )}
    </>
  );
}
