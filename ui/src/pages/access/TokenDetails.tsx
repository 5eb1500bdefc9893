import type { AccessToken } from '../../api/index.js';
import {
  ConfirmButton,
  Copyable,
  Definitions,
  notify,
  PageHeader,
  Panel,
  QueryView,
  Time,
} from '../../components/index.js';
import { navigate } from '../../navigation/index.js';
import { usePermissions, useSession } from '../../session/index.js';
import styles from './access.module.css';
import { revokeToken, useToken } from './token-queries.js';
import { Expiry, rolesOf } from './TokenList.js';

export const TOKENS_PAGE = { title: 'Tokens', path: '/access/tokens' };

export function TokenDetails({ id }: { readonly id: string }) {
  const token = useToken(id);
  return (
    <>
      <PageHeader title={token.data?.title ?? 'Token'} parent={TOKENS_PAGE} />
      <QueryView query={token} what="the token">
        {(data) => (
          <div className={styles['stack']}>
            <Revocation token={data} />
            <Panel title="Token">
              <Definitions items={factsOf(data)} />
            </Panel>
          </div>
        )}
      </QueryView>
    </>
  );
}

export function factsOf(token: AccessToken) {
  const { id, subject, issuer, scopes, servers, createdAt, createdBy, expiresAt, lastUsedAt } = token;
  return {
    Id: <Copyable text={id} what="the id of the token" />,
    Subject: <Copyable text={subject} what="the subject" />,
    Issuer: issuer,
    Roles: rolesOf(token),
    Scopes: scopes.join(', ') || undefined,
    Servers: servers?.join(', ') ?? 'all that its subject may use',
    Created: (
      <>
        <Time at={createdAt} /> by {createdBy}
      </>
    ),
    Expires: <Expiry at={expiresAt} />,
    'Last used': lastUsedAt === undefined ? 'never' : <Time at={lastUsedAt} />,
  };
}

/** Anybody may revoke the own tokens; the API decides about others. */
function Revocation({ token: { id, title, subject, issuer } }: { readonly token: AccessToken }) {
  const may = usePermissions();
  const session = useSession();
  const isOwn = session.subject === subject && session.issuer === issuer;
  const mayRevokeAll = may('DELETE /subjects/{issuer}/{subject}/tokens');
  if (!may('DELETE /tokens/{id}') || !(isOwn || mayRevokeAll)) return null;
  const revoked = () => {
    notify(`Revoked ${title}.`);
    navigate(TOKENS_PAGE.path);
  };
  return (
    <div className={styles['actions']}>
      <ConfirmButton
        label="Revoke"
        title={`Revoke ${title}?`}
        variant="danger"
        act={() => revokeToken(id)}
        onDone={revoked}
      >
        Every worker refuses it within two seconds and ends the streams that were opened with it. This cannot be undone.
      </ConfirmButton>
    </div>
  );
}
