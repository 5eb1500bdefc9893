import {
  FieldGroup,
  ListMember,
  listOf,
  NumberMember,
  SetMember,
  TextMember,
  type EntryFormProps,
  type EntryKind,
} from '../../entries/index.js';
import type { Entry } from '../../components/index.js';
import { textOf } from '../../values/index.js';
import { AccessTabs } from './AccessTabs.js';

const COUNTERS = { principal: 'each principal', team: 'each team', server: 'each server', tool: 'each tool' } as const;

const rateOf = (entry: Entry | null): string => textOf(entry?.['rate']);
const concurrencyOf = (entry: Entry | null): string => {
  const value = entry?.['concurrency'];
  return typeof value === 'number' ? String(value) : '';
};

function LimitForm({ entry, set }: EntryFormProps) {
  const member = { entry, set };
  return (
    <>
      <FieldGroup title="At most">
        <TextMember {...member} name="rate" label="Rate" hint="600/1m admits 600 calls at once, then ten per second." />
        <NumberMember {...member} name="concurrency" label="Concurrency" hint="Calls in flight." />
      </FieldGroup>
      <SetMember {...member} name="per" title="For (none: one counter for all calls)" options={COUNTERS} />
      <FieldGroup title="Calls, one name a line; * stands for any characters">
        <ListMember {...member} name="servers" label="Servers" hint="Empty: all servers." />
        <ListMember {...member} name="tools" label="Tools" hint="Empty: tools, prompts and resources." />
      </FieldGroup>
    </>
  );
}

export const LIMITS: EntryKind = {
  collection: 'limits',
  path: '/access/limits',
  title: 'Limits',
  one: 'a limit',
  intro:
    'How many calls are admitted. All workers count together. A refused call was not executed and may be repeated.',
  schema: 'LimitEntry',
  initial: { per: ['principal'], rate: '600/1m' },
  columns: [
    { id: 'rate', title: 'Rate', width: '9rem', text: ({ entry }) => rateOf(entry) },
    { id: 'concurrency', title: 'In flight', width: '7rem', text: ({ entry }) => concurrencyOf(entry), priority: 2 },
    { id: 'per', title: 'For each', text: ({ entry }) => listOf(entry, 'per') ?? 'all together', priority: 2 },
    { id: 'servers', title: 'Servers', text: ({ entry }) => listOf(entry, 'servers') ?? 'all', priority: 3 },
    { id: 'tools', title: 'Tools', text: ({ entry }) => listOf(entry, 'tools') ?? 'all items', priority: 3 },
  ],
  empty: {
    title: 'There is no limit yet.',
    text: 'Add one, so that no caller takes the capacity of a server from the others.',
  },
  deletion: 'Calls are no longer limited by it.',
  facts: (entry) => ({
    Rate: rateOf(entry) || undefined,
    'In flight': concurrencyOf(entry) || undefined,
    'For each': listOf(entry, 'per') ?? 'all callers together',
    Servers: listOf(entry, 'servers') ?? 'all',
    Tools: listOf(entry, 'tools') ?? 'tools, prompts and resources',
  }),
  Form: LimitForm,
  navigation: <AccessTabs />,
};
