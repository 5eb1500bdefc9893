import { expect } from 'expect';
import { textOf } from '../../support/sdk-client.js';
import type { Cell, FeatureGroup, Kinds } from '../feature.js';

const WATCHED = 'test://watched-resource';
const WATCHED_TOO = 'test://static-text';
const UPDATED = 'notifications/resources/updated';

const LISTS = [
  { list: 'tools', key: 'name', extra: 'extra_tool' },
  { list: 'prompts', key: 'name', extra: 'extra_prompt' },
  { list: 'resources', key: 'uri', extra: 'test://extra' },
] as const;

async function hearsOfAResource({ client, name, uri }: Cell): Promise<void> {
  const leave = await client.watch({ uri: uri(WATCHED) });
  const touch = () => client.call(name('touch_resource'));
  const [updated] = await client.received.untilReceivedAfter(touch, UPDATED);
  expect(updated).toMatchObject({ uri: uri(WATCHED) });
  const [contents] = await client.read(uri(WATCHED));
  expect(contents?.['text']).toMatch(/^revision [1-9]/);
  await leave();
}

async function hearsNoMoreOfAResource({ connect, name, uri }: Cell): Promise<void> {
  const client = await connect();
  const heardOf = (own: string) => client.received.of(UPDATED).filter((params) => params['uri'] === uri(own)).length;
  const touch = (own: string) => client.call(name('touch_resource'), { uri: own });
  const leave = await client.watch({ uri: uri(WATCHED) });
  await client.received.untilReceivedAfter(() => touch(WATCHED), UPDATED);
  await client.watch({ uri: uri(WATCHED_TOO) });
  await leave();
  // What was on its way when it left is heard before this is.
  const before = heardOf(WATCHED_TOO);
  while (heardOf(WATCHED_TOO) === before) await client.received.untilReceivedAfter(() => touch(WATCHED_TOO), UPDATED);
  const [heard, heardToo] = [heardOf(WATCHED), heardOf(WATCHED_TOO)];
  await touch(WATCHED);
  while (heardOf(WATCHED_TOO) === heardToo) await client.received.untilReceivedAfter(() => touch(WATCHED_TOO), UPDATED);
  expect(heardOf(WATCHED)).toBe(heard);
}

async function hearsOfLists({ client, name, uri }: Cell): Promise<void> {
  await client.watch({ lists: true });
  const extrasShown = () =>
    Promise.all(
      LISTS.map(async ({ list, key, extra }) => {
        const shown = key === 'uri' ? uri(extra) : name(extra);
        return (await client.list(list)).some((item) => item[key] === shown);
      }),
    );
  const before = await extrasShown();
  let changes = 0;
  const changeAll = async () => {
    changes += 1;
    for (const { list } of LISTS) await client.call(name(`change_${list}`));
  };
  await client.received.untilReceivedAfter(changeAll, ...LISTS.map(({ list }) => `notifications/${list}/list_changed`));
  expect(await extrasShown()).toEqual(before.map((wasShown) => (changes % 2 === 1 ? !wasShown : wasShown)));
}

/** It is told so, and what it reads is right all the same. */
async function findsAResourceChanged({ client, name, uri }: Cell): Promise<void> {
  await expect(client.watch({ uri: uri(WATCHED) })).rejects.toThrow();
  const text = async () => (await client.read(uri(WATCHED)))[0]?.['text'];
  const before = await text();
  await client.call(name('touch_resource'));
  expect(await text()).not.toBe(before);
}

/** The lists are right as well. */
async function findsListsChanged({ client, name }: Cell): Promise<void> {
  const isThere = async () => (await client.list('tools')).some((tool) => tool['name'] === name('extra_tool'));
  const before = await isThere();
  await client.call(name('change_tools'));
  expect(await isThere()).toBe(!before);
}

const ROOTS_CHANGED = 'notifications/roots/list_changed';

/** A client whose roots are others now, and where they are asked for. */
async function withOtherRoots({ connect, name }: Cell) {
  let roots = [{ uri: 'file:///before' }];
  const client = await connect({ answers: { listRoots: () => ({ roots }) } });
  const askForRoots = async () => textOf(await client.call(name('ask_roots')));
  const moveRoots = () => (roots = [{ uri: 'file:///after' }]);
  return { client, askForRoots, moveRoots };
}

async function tellsOfItsRoots(cell: Cell): Promise<void> {
  const { client, askForRoots, moveRoots } = await withOtherRoots(cell);
  expect(await askForRoots()).toBe('roots: file:///before');
  const counted = await client.call(cell.name('count_calls'), { tool: ROOTS_CHANGED });
  moveRoots();
  await client.sendRootsListChanged();
  const once = { tool: ROOTS_CHANGED, event: 'started', count: Number(counted.structuredContent?.['started']) + 1 };
  expect(textOf(await client.call(cell.name('await_calls'), once))).toContain(ROOTS_CHANGED);
  expect(await askForRoots()).toBe('roots: file:///after');
}

/** The server asks for them each time that it needs them. */
async function isAskedForItsRoots(cell: Cell): Promise<void> {
  const { client, askForRoots, moveRoots } = await withOtherRoots(cell);
  expect(await askForRoots()).toBe('roots: file:///before');
  moveRoots();
  if (cell.clientKind.era === 'legacy') await client.sendRootsListChanged();
  else await expect(client.sendRootsListChanged()).rejects.toThrow();
  expect(await askForRoots()).toBe('roots: file:///after');
}

/** Its word does no harm. */
async function tellsNobodyOfItsRoots({ client, clientKind, name }: Cell): Promise<void> {
  if (clientKind.era === 'legacy') await client.sendRootsListChanged();
  else await expect(client.sendRootsListChanged()).rejects.toThrow();
  expect(textOf(await client.call(name('echo'), { text: 'all is well' }))).toBe('all is well');
}

const STATELESS = 'Without sessions the server has no stream to announce anything on.';

function insteadOfTellingRoots({ clientKind, serverKind }: Kinds) {
  if (serverKind.stateless)
    return { why: 'Without sessions there is nobody whose roots the server could know.', run: tellsNobodyOfItsRoots };
  if (clientKind.era === 'legacy' && serverKind.era === 'legacy') return undefined;
  return {
    why: 'Revision 2026-07-28 has no word for it: whoever needs the roots asks for them again, and is told of the new ones.',
    run: isAskedForItsRoots,
  };
}

export const CHANGES: FeatureGroup = {
  title: 'Changes',
  features: [
    {
      name: 'hears of a resource that it watches',
      run: hearsOfAResource,
      instead: ({ serverKind }) => serverKind.stateless && { why: STATELESS, run: findsAResourceChanged },
    },
    {
      name: 'hears no more of a resource that it watches no longer',
      run: hearsNoMoreOfAResource,
      instead: ({ serverKind }) => serverKind.stateless && { why: STATELESS, run: findsAResourceChanged },
    },
    {
      name: 'hears of lists that change, and finds them changed',
      run: hearsOfLists,
      instead: ({ serverKind }) => serverKind.stateless && { why: STATELESS, run: findsListsChanged },
    },
    { name: 'tells that its roots changed', run: tellsOfItsRoots, instead: insteadOfTellingRoots },
  ],
};
