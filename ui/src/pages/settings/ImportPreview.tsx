import { Badge, Button, DiffView, Panel, Problem, type Tone } from '../../components/index.js';
import styles from './settings.module.css';
import { entryOf, type Changes, type Preview } from './settings-queries.js';

interface ImportPreviewProps {
  readonly preview: Preview;
  readonly isPending: boolean;
  readonly error: Error | null;
  readonly onApply: () => void;
  readonly onCancel: () => void;
}

type Act = 'created' | 'updated' | 'deleted';
const TONES: Readonly<Record<Act, Tone>> = { created: 'good', updated: 'info', deleted: 'bad' };
const ACTS = ['created', 'updated', 'deleted'] as const;

/** Every change that an import would make. */
export function ImportPreview({ preview, isPending, error, onApply, onCancel }: ImportPreviewProps) {
  const { changes } = preview;
  const count = ACTS.reduce((sum, act) => sum + changes[act].length, 0) + itemsOf(changes);
  return (
    <Panel title={count === 0 ? 'Nothing would change' : 'What would change'}>
      <div className={styles['stack']}>
        {ACTS.map((act) => changes[act].map((path) => <Change key={path} act={act} path={path} preview={preview} />))}
        <Rest changes={changes} />
        {changes.warnings.length > 0 && (
          <ul className={styles['warnings']}>
            {changes.warnings.map((warning) => (
              <li key={warning}>
                <Badge tone="warning">warning</Badge> {warning}
              </li>
            ))}
          </ul>
        )}
        {error && <Problem cause={error} />}
        <div className={styles['actions']}>
          <Button variant="primary" disabled={isPending || count === 0} onClick={onApply}>
            Import
          </Button>
          <Button onClick={onCancel}>Back</Button>
        </div>
      </div>
    </Panel>
  );
}

function Change({ act, path, preview }: { readonly act: Act; readonly path: string; readonly preview: Preview }) {
  const { stored, document } = preview;
  const after = act === 'deleted' ? undefined : entryOf(document['entries'], path);
  return (
    <details className={styles['change']} open={act !== 'created'}>
      <summary>
        <Badge tone={TONES[act]}>{act}</Badge> <code>{path}</code>
      </summary>
      <DiffView label={path} before={entryOf(stored, path)} after={after} titles={['Stored', 'After the import']} />
    </details>
  );
}

const itemsOf = ({ items }: Changes): number => (items ? items.created + items.updated + items.reset : 0);

function Rest({ changes: { unchanged, items } }: { readonly changes: Changes }) {
  return (
    <p className={styles['muted']}>
      {unchanged.length} {unchanged.length === 1 ? 'entry stays' : 'entries stay'} as{' '}
      {unchanged.length === 1 ? 'it is' : 'they are'}.
      {items &&
        ` Tools, prompts and resources: ${items.created} created, ${items.updated} updated, ${items.reset} reset, ${items.unchanged} unchanged.`}
    </p>
  );
}
