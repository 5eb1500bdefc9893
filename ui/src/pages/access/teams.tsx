import {
  FieldGroup,
  ListMember,
  listOf,
  TextMember,
  type EntryFormProps,
  type EntryKind,
} from '../../entries/index.js';
import { textOf, textsOf } from '../../values/index.js';
import { AccessTabs } from './AccessTabs.js';
import styles from './access.module.css';

function TeamForm({ entry, set }: EntryFormProps) {
  const member = { entry, set };
  return (
    <>
      <FieldGroup title="Team">
        <TextMember {...member} name="title" label="Title" />
      </FieldGroup>
      <FieldGroup title="Memberships, one a line">
        <ListMember {...member} name="members" label="Members" hint="Subjects of tokens, or issuer|subject." />
        <ListMember
          {...member}
          name="roles"
          label="Roles"
          hint="Members have them in addition to those of their token: admin, operator, auditor, user, or one that policies name."
        />
      </FieldGroup>
    </>
  );
}

function Members({ names }: { readonly names: readonly string[] }) {
  if (names.length === 0) return 'Only tokens name its members (claim teams).';
  return (
    <ul className={styles['list']}>
      {names.map((name) => (
        <li key={name}>
          <code>{name}</code>
        </li>
      ))}
    </ul>
  );
}

export const TEAMS: EntryKind = {
  collection: 'teams',
  path: '/access/teams',
  title: 'Teams',
  one: 'a team',
  intro:
    'Servers and endpoints of a team are available to its members, who also have its roles. Changes apply at once.',
  schema: 'TeamEntry',
  initial: {},
  columns: [
    { id: 'title', title: 'Title', text: ({ entry }) => textOf(entry?.['title']), priority: 2 },
    { id: 'members', title: 'Members', width: '7rem', text: ({ entry }) => textsOf(entry?.['members']).length },
    { id: 'roles', title: 'Roles', text: ({ entry }) => listOf(entry, 'roles') ?? '', priority: 2 },
  ],
  empty: {
    title: 'There is no team yet.',
    text: 'Add one to give servers to some callers only, or to give roles to people whose tokens name none.',
  },
  deletion: 'Its members lose its roles and its servers at once.',
  facts: (entry) => ({
    Title: textOf(entry['title']) || undefined,
    Members: <Members names={textsOf(entry['members'])} />,
    Roles: listOf(entry, 'roles') ?? 'none',
  }),
  Form: TeamForm,
  navigation: <AccessTabs />,
};
