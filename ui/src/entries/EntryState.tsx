import { Badge } from '../components/index.js';
import type { EntryView } from './collection.js';

/** Whether an entry is in force at the worker that answered. */
export function EntryState({ view: { usable, faults } }: { readonly view: Pick<EntryView, 'usable' | 'faults'> }) {
  return (
    <Badge tone={usable ? 'good' : 'warning'} title={faults.join('; ') || undefined}>
      {usable ? 'in force' : 'invalid'}
    </Badge>
  );
}
