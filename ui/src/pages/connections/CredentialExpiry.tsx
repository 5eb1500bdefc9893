import { useExpiringCredentials } from '../../api/index.js';
import { Badge, Time } from '../../components/index.js';

/** When the credential of a server expires, if that is soon. */
export function CredentialExpiry({ server }: { readonly server: string }) {
  const { data = [] } = useExpiringCredentials();
  const found = data.find(({ kind, id }) => kind === 'server' && id === server);
  if (!found) return null;
  const { isExpired, expiresAt } = found;
  return (
    <>
      {' '}
      <Badge tone={isExpired ? 'bad' : 'warning'}>{isExpired ? 'credential expired' : 'credential expires'}</Badge>{' '}
      <Time at={expiresAt} />
    </>
  );
}
