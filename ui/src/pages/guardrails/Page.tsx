import { EntryPages } from '../../entries/index.js';
import { GUARDRAILS } from './guardrails.js';

export function Page() {
  return <EntryPages kind={GUARDRAILS} />;
}
