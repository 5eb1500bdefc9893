import { Button, ButtonLink, ConfirmButton, notify, Problem } from '../../components/index.js';
import { usePermissions } from '../../session/index.js';
import { NOUNS } from './item-kinds.js';
import { useSwitch, type DefinedItem, type ItemKey } from './item-queries.js';
import styles from './items.module.css';

interface ItemActionsProps {
  readonly item: ItemKey;
  readonly known: DefinedItem;
}

/** What the caller may do with an item besides changing its texts. */
export function ItemActions({ item, known }: ItemActionsProps) {
  const may = usePermissions();
  const { kind, server, name } = item;
  const isNamed = kind === 'tools' || kind === 'prompts';
  const tried = new URLSearchParams({
    endpoint: `/servers/${server}/mcp`,
    kind,
    name: isNamed ? (known.shownName ?? name) : name,
  });
  return (
    <div className={styles['actions']}>
      {!known.isDisabled && known.status !== 'quarantined' && (
        <ButtonLink to={`/try?${tried.toString()}`}>Try it</ButtonLink>
      )}
      {may(known.isDisabled ? `POST /tools/{server}/{name}/enable` : `POST /tools/{server}/{name}/disable`) && (
        <Switch item={item} isDisabled={known.isDisabled} />
      )}
    </div>
  );
}

function Switch({ item, isDisabled }: { readonly item: ItemKey; readonly isDisabled: boolean }) {
  const act = useSwitch(item);
  if (isDisabled)
    return (
      <>
        <Button variant="primary" disabled={act.isPending} onClick={() => act.mutate('enable')}>
          Switch on
        </Button>
        {act.error && <Problem cause={act.error} />}
      </>
    );
  return (
    <ConfirmButton
      label="Switch off"
      title={`Switch off ${item.name}?`}
      act={() => act.mutateAsync('disable')}
      onDone={() => notify(`Switched off ${item.name}.`)}
    >
      No client sees or uses this {NOUNS[item.kind]} any more, at any endpoint. You can switch it on again.
    </ConfirmButton>
  );
}
