import { JsonView, Panel } from '../../components/index.js';
import { type EntryDetailsProps } from '../../entries/index.js';
import { usePermissions } from '../../session/index.js';
import { textsOf } from '../../values/index.js';
import { DecisionTable } from './Decisions.js';
import { useChecks, type Phase } from './guardrail-queries.js';
import { ModeSwitch } from './ModeSwitch.js';
import { TryGuardrail } from './TryGuardrail.js';

/** What a guardrail did, and what it would do. */
export function GuardrailDetails({ view, etag }: EntryDetailsProps) {
  const may = usePermissions();
  const { slug, entry, usable, managed } = view;
  const check = useChecks().data?.find(({ name }) => name === entry?.['check']);
  const options = entry?.['options'];
  const chosen = textsOf(entry?.['phases']);
  const phases = (check?.phases ?? []).toSorted(
    (one, other) => Number(chosen.includes(other)) - Number(chosen.includes(one)),
  );
  return (
    <>
      {!managed && may('PUT /guardrails/{slug}') && <ModeSwitch view={view} etag={etag} />}
      <Panel title="Decisions in the last hour, at all workers">
        <DecisionTable slug={slug} />
      </Panel>
      {usable && phases.length > 0 && may('POST /guardrails/{slug}/try') && (
        <TryGuardrail slug={slug} phases={phases as Phase[]} />
      )}
      {typeof options === 'object' && options !== null && (
        <Panel title="Options">
          <JsonView label="Options as JSON" value={options} />
        </Panel>
      )}
    </>
  );
}
