import { Button, ButtonLink, ConfirmButton, notify, Problem } from '../../components/index.js';
import { navigate } from '../../navigation/index.js';
import { usePermissions } from '../../session/index.js';
import { useServerAct, useServerTest, type Server } from './server-queries.js';
import styles from './servers.module.css';
import { TrialResult } from './TrialResult.js';

interface ServerActionsProps {
  readonly server: Server;
  readonly etag: string;
}

/** What the caller may do with a server. An entry of the configuration file can be changed only there. */
export function ServerActions({ server, etag }: ServerActionsProps) {
  const { slug, managed, entry } = server;
  const may = usePermissions();
  const test = useServerTest(slug);
  const act = useServerAct(slug, etag);
  const isEnabled = entry?.['enabled'] !== false;
  const enable = () => act.mutate('enable');
  const refresh = () => act.mutate('refresh', { onSuccess: () => notify(`Every worker reconnects to ${slug}.`) });
  return (
    <div className={styles['stack']}>
      <div className={styles['worker']}>
        {may('POST /servers/{slug}/test') && (
          <Button disabled={test.isPending} onClick={() => test.mutate()}>
            {test.isPending ? 'Connecting …' : 'Test'}
          </Button>
        )}
        {may('POST /servers/{slug}/refresh') && (
          <Button disabled={act.isPending} onClick={refresh}>
            Refresh
          </Button>
        )}
        {!managed && may('PUT /servers/{slug}') && <ButtonLink to={`/servers/${slug}/edit`}>Edit</ButtonLink>}
        {!managed && may(isEnabled ? 'POST /servers/{slug}/disable' : 'POST /servers/{slug}/enable') && (
          <Switch slug={slug} etag={etag} isEnabled={isEnabled} enable={enable} />
        )}
        {!managed && may('DELETE /servers/{slug}') && <Delete slug={slug} etag={etag} />}
      </div>
      {(act.error ?? test.error) && <Problem cause={act.error ?? test.error ?? new Error()} />}
      {test.data && <TrialResult trial={test.data} />}
    </div>
  );
}

interface ActProps {
  readonly slug: string;
  readonly etag: string;
}

interface SwitchProps extends ActProps {
  readonly isEnabled: boolean;
  readonly enable: () => void;
}

function Switch({ slug, etag, isEnabled, enable }: SwitchProps) {
  const { mutateAsync } = useServerAct(slug, etag);
  if (!isEnabled) return <Button onClick={enable}>Enable</Button>;
  return (
    <ConfirmButton label="Disable" title={`Disable ${slug}?`} act={() => mutateAsync('disable')}>
      Its tools, prompts and resources disappear from all endpoints, and its connections are closed. You can enable it
      again.
    </ConfirmButton>
  );
}

function Delete({ slug, etag }: ActProps) {
  const { mutateAsync } = useServerAct(slug, etag);
  const deleted = () => {
    notify(`Deleted ${slug}.`);
    navigate('/servers');
  };
  return (
    <ConfirmButton
      label="Delete"
      title={`Delete ${slug}?`}
      variant="danger"
      act={() => mutateAsync('delete')}
      onDone={deleted}
    >
      The server, its approvals and the presentation of its tools are deleted. This cannot be undone.
    </ConfirmButton>
  );
}
