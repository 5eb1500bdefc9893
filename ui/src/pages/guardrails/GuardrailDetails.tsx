import { JsonView, Panel } from '../../components/index.js';
import { type EntryDetailsProps } from '../../entries/index.js';
import { usePermissions } from '../../session/index.js';
import { DecisionTable } from './Decisions.js';
import { usePhases } from './guardrail-queries.js';
import { ModeSwitch } from './ModeSwitch.js';
import { TryGuardrail } from './TryGuardrail.js';

/** What a guardrail did, and what it would do. */
export function GuardrailDetails({ view, etag }: EntryDetailsProps) {
  const may = usePermissions();
  const { slug, entry, usable, managed } = view;
  const phases = usePhases(entry);
  const options = entry?.['options'];
  return (
    <>
      {!managed && may('PUT /guardrails/{slug}') && <ModeSwitch view={view} etag={etag} />}
      <Panel title="Decisions in the last hour, at all workers">
        <DecisionTable slug={slug} />
      </Panel>
      {usable && phases.length > 0 && may('POST /guardrails/{slug}/try') && (
        <Panel title="Try it">
          <TryGuardrail tried={slug} phases={phases} />
        </Panel>
      )}
      {typeof options === 'object' && options !== null && (
        <Panel title="Options">
          <JsonView label="Options as JSON" value={options} />
        </Panel>
      )}
    </>
  );
}
