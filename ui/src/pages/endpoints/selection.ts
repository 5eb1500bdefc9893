import { textsOf } from '../../values/index.js';
import { type Item, type ItemKind, type Items, type SelectableServer } from './endpoint-queries.js';

type Entry = Readonly<Record<string, unknown>>;

/** The servers of an endpoint: the named ones in their order, then those with one of its tags. */
export function selectedServers(entry: Entry, servers: readonly SelectableServer[]): readonly string[] {
  const named = textsOf(entry['servers']);
  const tags = new Set(textsOf(entry['tags']));
  const tagged = servers.filter(({ tags: own }) => own.some((tag) => tags.has(tag))).map(({ slug }) => slug);
  return [...new Set([...named, ...tagged])];
}

/** How an endpoint names an item in its selection: `server__name`, or `server+uri` for resources. */
export const selectorOf = (kind: ItemKind, { server, name, shownName }: Item): string =>
  kind === 'resources' ? `${server}+${name}` : `${server}__${shownName ?? name}`;

/** The names of the items of some servers, as a selection names them. */
export const selectableNames = (kind: ItemKind, servers: readonly string[], items: Items): readonly string[] =>
  items[kind].filter(({ server }) => servers.includes(server)).map((item) => selectorOf(kind, item));

/** The items that an endpoint exposes, apart from what policies and quarantine withhold from a caller. */
export function exposedItems(kind: ItemKind, entry: Entry, servers: readonly string[], items: Items): readonly Item[] {
  const patterns = entry[kind] === undefined ? undefined : textsOf(entry[kind]);
  return items[kind].filter(
    (item) =>
      servers.includes(item.server) &&
      (patterns === undefined || namesOf(kind, item).some((name) => patterns.some((each) => matches(each, name)))),
  );
}

/** An item that an admin has renamed can be selected by either name. */
const namesOf = (kind: ItemKind, item: Item): readonly string[] => [
  selectorOf(kind, item),
  `${item.server}__${item.name}`,
];

/** `*` stands for any characters. */
export function matches(pattern: string, text: string): boolean {
  const expression = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`));
  return new RegExp(`^${expression.join('.*')}$`, 's').test(text);
}
