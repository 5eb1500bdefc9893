import { Panel, type EntryDraft } from '../../components/index.js';
import { usePermissions } from '../../session/index.js';
import { usePhases } from './guardrail-queries.js';
import { TryGuardrail } from './TryGuardrail.js';

/** Tries a guardrail before it is saved. */
export function TryDraft({ draft }: { readonly draft: EntryDraft }) {
  const may = usePermissions();
  const phases = usePhases(draft.entry);
  if (phases.length === 0 || !may('POST /guardrails/try')) return null;
  return (
    <Panel title="Try it before you save it">
      <TryGuardrail tried={draft} phases={phases} />
    </Panel>
  );
}
