import type { ExpiringCredential } from '../../api/index.js';
import { Badge, PageLink, Time } from '../../components/index.js';
import styles from './overview.module.css';

const MAX_SHOWN = 5;

/** What must be renewed, the first to expire first. */
export function ExpiringCredentials({ items }: { readonly items: readonly ExpiringCredential[] }) {
  return (
    <>
      {items.slice(0, MAX_SHOWN).map(({ kind, id, title, subject, expiresAt, isExpired }) => {
        return (
          <li key={`${kind} ${id}`} className={styles['note']}>
            <Badge tone={isExpired ? 'bad' : 'warning'}>{isExpired ? 'expired' : 'expires'}</Badge>
            {kind === 'server' ? (
              <PageLink to={`/servers/${id}`}>credential of the server {id}</PageLink>
            ) : (
              <PageLink to={`/access/tokens/${id}`}>
                token {title} of {subject}
              </PageLink>
            )}
            <span className={styles['muted']}>
              <Time at={expiresAt} />
            </span>
          </li>
        );
      })}
      {items.length > MAX_SHOWN && (
        <li className={styles['note']}>
          <Badge tone="warning">{items.length - MAX_SHOWN}</Badge> more credentials expire soon
        </li>
      )}
    </>
  );
}
