import { useMutation } from '@tanstack/react-query';
import { isConflict } from '../../api/index.js';
import { Button, notify, Panel, Problem } from '../../components/index.js';
import { saveEntry, type EntryDetailsProps } from '../../entries/index.js';
import { textOf } from '../../values/index.js';
import { MODES } from './GuardrailForm.js';
import styles from './guardrails.module.css';

/** Changes the mode and nothing else. */
export function ModeSwitch({ view, etag }: EntryDetailsProps) {
  const { slug, entry } = view;
  const mode = textOf(entry?.['mode']) || 'enforce';
  const change = useMutation({
    mutationFn: (next: string) => saveEntry('guardrails', { slug, entry: { ...entry, mode: next } }, etag),
    onSuccess: (_done, next) => notify(`The mode of ${slug} is ${next}.`),
  });
  return (
    <Panel title="Change the mode">
      <div className={styles['actions']}>
        {Object.entries(MODES).map(([value, text]) => (
          <Button
            key={value}
            aria-pressed={value === mode}
            disabled={value === mode || change.isPending}
            title={text}
            onClick={() => change.mutate(value)}
          >
            {value}
          </Button>
        ))}
      </div>
      {change.error && (
        <Problem
          cause={
            isConflict(change.error)
              ? new Error('Somebody else has changed the guardrail meanwhile. Reload the page, then try again.')
              : change.error
          }
        />
      )}
    </Panel>
  );
}
