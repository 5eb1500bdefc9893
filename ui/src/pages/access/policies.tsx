import { Badge, ButtonLink, type Entry } from '../../components/index.js';
import {
  ChoiceMember,
  FieldGroup,
  ListMember,
  listOf,
  TextMember,
  type EntryFormProps,
  type EntryKind,
} from '../../entries/index.js';
import { usePermissions } from '../../session/index.js';
import { textOf } from '../../values/index.js';
import styles from './access.module.css';
import { AccessTabs } from './AccessTabs.js';
import { ConditionMember } from './ConditionMember.js';

const EFFECTS = { allow: 'Allow: these callers, and no others', deny: 'Deny: overrides every other policy' } as const;

function Effect({ entry }: { readonly entry: Entry | null }) {
  const effect = textOf(entry?.['effect']);
  return <Badge tone={effect === 'deny' ? 'bad' : 'good'}>{effect}</Badge>;
}

const ITEMS = ['tools', 'prompts', 'resources'] as const;
const CALLERS = ['roles', 'teams', 'scopes', 'subjects'] as const;

function itemsOf(entry: Entry | null): string {
  const items = ITEMS.flatMap((name) => listOf(entry, name) ?? []).join(', ');
  return `${listOf(entry, 'servers') ?? 'all servers'}: ${items || 'all items'}`;
}

function callersOf(entry: Entry | null): string {
  const groups = CALLERS.flatMap((name) => {
    const list = listOf(entry, name);
    return list === undefined ? [] : `${name} ${list}`;
  });
  return groups.join('; ') || 'every caller';
}

function PolicyForm({ entry, set }: EntryFormProps) {
  const member = { entry, set };
  return (
    <>
      <FieldGroup title="Policy">
        <ChoiceMember {...member} name="effect" label="Effect" options={EFFECTS} />
        <TextMember {...member} name="description" label="Description" isLong />
      </FieldGroup>
      <FieldGroup title="Items, one a line; * stands for any characters">
        <ListMember {...member} name="servers" label="Servers" hint="Empty: all servers." />
        <ListMember {...member} name="tools" label="Tools" hint="Such as get_*. All items if all three are empty." />
        <ListMember {...member} name="prompts" label="Prompts" />
        <ListMember {...member} name="resources" label="Resources" hint="URIs, such as file:///public/*." />
      </FieldGroup>
      <FieldGroup title="Callers, one a line; a caller must match one of each list">
        <ListMember {...member} name="roles" label="Roles" hint="Empty: every role." />
        <ListMember {...member} name="teams" label="Teams" hint="Empty: every team." />
        <ListMember {...member} name="scopes" label="Scopes" hint="Empty: every scope." />
        <ListMember {...member} name="subjects" label="Subjects" hint="A subject, or issuer|subject." />
      </FieldGroup>
      <ConditionMember {...member} />
    </>
  );
}

function ExplainLink() {
  const may = usePermissions();
  if (!may('POST /policy/explain')) return null;
  return (
    <div>
      <ButtonLink to="/access/explain">Explain a call</ButtonLink>
    </div>
  );
}

export const POLICIES: EntryKind = {
  collection: 'policies',
  path: '/access/policies',
  title: 'Policies',
  one: 'a policy',
  intro: 'Which callers may use which items. A deny overrides everything; an allow excludes all other callers.',
  schema: 'PolicyEntry',
  initial: { effect: 'allow' },
  columns: [
    {
      id: 'effect',
      title: 'Effect',
      width: '6rem',
      text: ({ entry }) => textOf(entry?.['effect']),
      cell: ({ entry }) => <Effect entry={entry} />,
    },
    { id: 'items', title: 'Items', text: ({ entry }) => itemsOf(entry), priority: 2 },
    { id: 'callers', title: 'Callers', text: ({ entry }) => callersOf(entry), priority: 2 },
    { id: 'when', title: 'Condition', text: ({ entry }) => textOf(entry?.['when']), priority: 3 },
  ],
  empty: {
    title: 'There is no policy yet.',
    text: 'Every caller with a valid token may use every server without a team. Add a policy to restrict that.',
  },
  deletion: 'The callers that it restricts may use its items at once, and those that it alone admits may not.',
  facts: (entry) => ({
    Effect: <Effect entry={entry} />,
    Description: textOf(entry['description']) || undefined,
    Servers: listOf(entry, 'servers') ?? 'all',
    Tools: listOf(entry, 'tools'),
    Prompts: listOf(entry, 'prompts'),
    Resources: listOf(entry, 'resources'),
    Callers: callersOf(entry),
    Condition: textOf(entry['when']) === '' ? undefined : <pre className={styles['code']}>{textOf(entry['when'])}</pre>,
  }),
  Form: PolicyForm,
  Details: ExplainLink,
  navigation: <AccessTabs />,
};
