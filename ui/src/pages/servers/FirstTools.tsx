import { useQuery } from '@tanstack/react-query';
import { api, dataOf, type components } from '../../api/index.js';
import { ButtonLink, PageLink, Panel } from '../../components/index.js';
import { usePermissions } from '../../session/index.js';
import styles from './servers.module.css';

type Item = components['schemas']['Item'];

const MAX_SHOWN = 5;
/** A new server is listed in the background, mostly within a second. */
const INTERVAL_MS = 2_000;

/** The first tools of a server, each with the page to try it. */
export function FirstTools({ slug }: { readonly slug: string }) {
  const may = usePermissions();
  const tools = useQuery({
    queryKey: ['items', 'first-tools', slug],
    enabled: may('GET /tools'),
    queryFn: () => dataOf(api.GET('/admin/v1/tools', { params: { query: { server: slug, limit: MAX_SHOWN } } })),
    refetchInterval: ({ state }) => (state.data?.items.length === 0 ? INTERVAL_MS : false),
  });
  const items = tools.data?.items ?? [];
  const [first] = items;
  if (!tools.data) return null;
  return (
    <Panel
      title="Tools"
      actions={
        first && (
          <ButtonLink to={pathOf(first)} variant="primary">
            Try {nameOf(first)}
          </ButtonLink>
        )
      }
    >
      {first ? (
        <ul className={styles['workers']}>
          {items.map((item) => (
            <li key={item.name}>
              <PageLink to={pathOf(item)}>{nameOf(item)}</PageLink>
            </li>
          ))}
          {tools.data.nextCursor !== undefined && (
            <li>
              <PageLink to={`/items?server=${slug}`}>All tools of {slug}</PageLink>
            </li>
          )}
        </ul>
      ) : (
        <p className={styles['muted']}>No tool is known yet. They appear as soon as the server has listed them.</p>
      )}
    </Panel>
  );
}

const nameOf = ({ name, shownName }: Item): string => shownName ?? name;

const pathOf = (item: Item): string =>
  `/try?${new URLSearchParams({ endpoint: `/servers/${item.server}/mcp`, name: nameOf(item) }).toString()}`;
