import { useState } from 'react';
import {
  Badge,
  Button,
  ButtonLink,
  ConfirmDialog,
  Copyable,
  Definitions,
  notify,
  PageHeader,
  Panel,
  QueryView,
  Time,
} from '../../components/index.js';
import { navigate } from '../../navigation/index.js';
import { usePermissions } from '../../session/index.js';
import { textsOf } from '../../values/index.js';
import { accessOf } from './EndpointList.js';
import { useEndpoint, useEndpointDeletion, type Endpoint } from './endpoint-queries.js';
import styles from './endpoints.module.css';
import { ExposedItems } from './ExposedItems.js';

export function EndpointDetails({ slug }: { readonly slug: string }) {
  const endpoint = useEndpoint(slug);
  return (
    <>
      <PageHeader title={slug} parent={{ title: 'Endpoints', path: '/endpoints' }} />
      <QueryView query={endpoint} what="the endpoint">
        {({ data, etag }) => (
          <div className={styles['stack']}>
            {!data.managed && <Actions slug={slug} etag={etag} />}
            <Panel title="Endpoint">
              <Definitions items={factsOf(data)} />
            </Panel>
            <h2>What a caller sees whom no policy restricts</h2>
            <ExposedItems entry={data.entry ?? {}} />
          </div>
        )}
      </QueryView>
    </>
  );
}

function factsOf({ slug, entry, managed, usable, faults, warnings, updatedAt }: Endpoint) {
  const list = (name: string) => textsOf(entry?.[name]).join(', ') || undefined;
  return {
    State: <Badge tone={usable ? 'good' : 'warning'}>{usable ? 'in force' : 'invalid'}</Badge>,
    Faults: faults.join('; ') || undefined,
    Warnings: warnings.join('; ') || undefined,
    Path: <Copyable text={`/servers/${slug}/mcp`} what="the path of the endpoint" />,
    Access: accessOf(entry),
    Servers: list('servers'),
    Tags: list('tags'),
    Tools: list('tools') ?? 'all',
    Prompts: list('prompts') ?? 'all',
    Resources: list('resources') ?? 'all',
    Source: managed ? 'Configuration file; change it there' : 'Admin API',
    Changed: <Time at={updatedAt} />,
  };
}

function Actions({ slug, etag }: { readonly slug: string; readonly etag: string }) {
  const may = usePermissions();
  const [isAsking, setIsAsking] = useState(false);
  const deletion = useEndpointDeletion(slug, etag);
  const onSuccess = () => {
    notify(`Deleted ${slug}.`);
    navigate('/endpoints');
  };
  return (
    <div className={styles['actions']}>
      {may('PUT /virtual-servers/{slug}') && <ButtonLink to={`/endpoints/${slug}/edit`}>Edit</ButtonLink>}
      {may('DELETE /virtual-servers/{slug}') && (
        <Button variant="danger" onClick={() => setIsAsking(true)}>
          Delete
        </Button>
      )}
      <ConfirmDialog
        title={`Delete ${slug}?`}
        isOpen={isAsking}
        confirmLabel="Delete"
        isDangerous
        isPending={deletion.isPending}
        error={deletion.error}
        onConfirm={() => deletion.mutate(undefined, { onSuccess })}
        onClose={() => setIsAsking(false)}
      >
        Its clients get 404 from then on. The servers themselves stay. This cannot be undone.
      </ConfirmDialog>
    </div>
  );
}
