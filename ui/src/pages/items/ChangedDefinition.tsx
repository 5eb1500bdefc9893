import { Button, ConfirmButton, DiffView, notify, Panel, Problem } from '../../components/index.js';
import { usePermissions } from '../../session/index.js';
import { NOUNS } from './item-kinds.js';
import { quarantineChanges, useApproval, useServer, type DefinedItem, type ItemKey } from './item-queries.js';
import styles from './items.module.css';

interface ChangedDefinitionProps {
  readonly item: ItemKey;
  readonly known: DefinedItem;
}

/** The definition that was approved beside the one that the server sends now, and what to do about it. */
export function ChangedDefinition({ item, known }: ChangedDefinitionProps) {
  const may = usePermissions();
  const approval = useApproval(item);
  const noun = NOUNS[item.kind];
  const isHidden = known.status === 'quarantined';
  const approve = () => approval.mutate(known.seenDigest, { onSuccess: () => notify(`Approved ${item.name}.`) });
  return (
    <Panel title="The server has changed the definition">
      <div className={styles['stack']}>
        <p>
          {isHidden
            ? `The ${noun} is quarantined: no client sees it, and calls are refused, until somebody approves what changed.`
            : `Clients use the new definition already. Approve it if it is what you expect, or switch the ${noun} off.`}
        </p>
        <DiffView before={known.approved} after={known.seen} titles={['Approved', 'Sent by the server now']} />
        {approval.error && <Problem cause={approval.error} />}
        <div className={styles['actions']}>
          {may('POST /tools/{server}/{name}/approve') && (
            <Button variant="primary" disabled={approval.isPending} onClick={approve}>
              Approve the new definition
            </Button>
          )}
          {!isHidden && item.kind === 'tools' && may('PUT /servers/{slug}') && (
            <QuarantineChoice server={item.server} />
          )}
        </div>
      </div>
    </Panel>
  );
}

function QuarantineChoice({ server }: { readonly server: string }) {
  const isManaged = useServer(server).data?.managed;
  if (isManaged === undefined) return null;
  if (!isManaged) return <Quarantine server={server} />;
  return (
    <span className={styles['muted']}>
      To quarantine it, set toolChanges of {server} to quarantine in the configuration file.
    </span>
  );
}

/** A server decides for all its tools what happens when they change. */
function Quarantine({ server }: { readonly server: string }) {
  return (
    <ConfirmButton
      label="Quarantine"
      title={`Quarantine changed tools of ${server}?`}
      act={() => quarantineChanges(server)}
      onDone={() => notify(`Changed tools of ${server} are quarantined.`)}
    >
      Every tool of this server whose definition has changed, now or later, is hidden from clients until somebody
      approves it. This sets toolChanges of the server to quarantine.
    </ConfirmButton>
  );
}
