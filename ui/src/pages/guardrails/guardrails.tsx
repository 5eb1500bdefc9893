import { Badge, type Entry, type Tone } from '../../components/index.js';
import { listOf, type EntryKind, type EntryView } from '../../entries/index.js';
import { textOf } from '../../values/index.js';
import { GuardrailDetails } from './GuardrailDetails.js';
import { GuardrailForm, MODES } from './GuardrailForm.js';
import { DecisionSummary } from './Decisions.js';
import { TryDraft } from './TryDraft.js';

const TONES: Readonly<Record<string, Tone>> = { enforce: 'good', observe: 'info', off: 'neutral' };

const modeOf = (entry: Entry | null): string => textOf(entry?.['mode']) || 'enforce';

const orderOf = (entry: Entry | null): number => {
  const order = entry?.['order'];
  return typeof order === 'number' ? order : 0;
};

function Mode({ entry }: { readonly entry: Entry | null }) {
  const mode = modeOf(entry);
  return <Badge tone={TONES[mode] ?? 'neutral'}>{mode}</Badge>;
}

function selectorOf(entry: Entry | null): string {
  const teams = listOf(entry, 'teams');
  const items = listOf(entry, 'tools') ?? 'all items';
  return `${listOf(entry, 'servers') ?? 'all servers'}: ${items}${teams === undefined ? '' : `; teams ${teams}`}`;
}

/** The order in which guardrails run. */
function byOrder(one: EntryView, other: EntryView): number {
  return orderOf(one.entry) - orderOf(other.entry) || (one.slug < other.slug ? -1 : 1);
}

export const GUARDRAILS: EntryKind = {
  collection: 'guardrails',
  path: '/guardrails',
  title: 'Guardrails',
  one: 'a guardrail',
  intro:
    'Judge arguments, results, definitions of tools and questions, in this order. Each sees what those before it changed.',
  schema: 'GuardrailEntry',
  initial: { mode: 'observe' },
  order: byOrder,
  columns: [
    { id: 'order', title: 'Order', width: '5.5rem', text: ({ entry }) => orderOf(entry), priority: 3 },
    { id: 'check', title: 'Check', width: '8.5rem', text: ({ entry }) => textOf(entry?.['check']), priority: 2 },
    {
      id: 'mode',
      title: 'Mode',
      width: '7.5rem',
      text: ({ entry }) => modeOf(entry),
      cell: ({ entry }) => <Mode entry={entry} />,
    },
    { id: 'selector', title: 'Selects', text: ({ entry }) => selectorOf(entry), priority: 3 },
    { id: 'decisions', title: 'In the last hour', cell: ({ slug }) => <DecisionSummary slug={slug} />, priority: 2 },
  ],
  empty: {
    title: 'There is no guardrail yet.',
    text: 'Add one in the mode observe, for example with the check secrets: it records what it would have done and changes nothing.',
  },
  deletion: 'What it selects is no longer judged.',
  facts: (entry) => ({
    Description: textOf(entry['description']) || undefined,
    Check: textOf(entry['check']),
    Mode: (
      <>
        <Mode entry={entry} /> {MODES[modeOf(entry) as keyof typeof MODES]}
      </>
    ),
    Order: orderOf(entry),
    Servers: listOf(entry, 'servers') ?? 'all',
    Tools: listOf(entry, 'tools') ?? 'tools, prompts and resources',
    Teams: listOf(entry, 'teams') ?? 'every caller',
    Phases: listOf(entry, 'phases') ?? 'all of the check',
    'If it fails': textOf(entry['onFailure']) || 'refuse',
    Deadline: textOf(entry['deadline']) || '5s',
  }),
  Form: GuardrailForm,
  Draft: TryDraft,
  Details: GuardrailDetails,
};
