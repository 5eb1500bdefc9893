import { expect } from 'expect';
import { textOf } from '../../support/sdk-client.js';
import type { Cell, FeatureGroup, Pairing } from '../feature.js';

const WATCHED = 'test://watched-resource';
const ALSO_WATCHED = 'test://static-text';
const UPDATED = 'notifications/resources/updated';

const LISTS = [
  { list: 'tools', key: 'name', extra: 'extra_tool' },
  { list: 'prompts', key: 'name', extra: 'extra_prompt' },
  { list: 'resources', key: 'uri', extra: 'test://extra' },
] as const;

async function receivesUpdates({ client, name, uri }: Cell): Promise<void> {
  const unwatch = await client.watch({ uri: uri(WATCHED) });
  const touch = () => client.call(name('touch_resource'));
  const [updated] = await client.received.untilReceivedAfter(touch, UPDATED);
  expect(updated).toMatchObject({ uri: uri(WATCHED) });
  const [contents] = await client.read(uri(WATCHED));
  expect(contents?.['text']).toMatch(/^revision [1-9]/);
  await unwatch();
}

async function receivesNoMoreUpdates({ connect, name, uri }: Cell): Promise<void> {
  const client = await connect();
  const countUpdates = (own: string) =>
    client.received.of(UPDATED).filter((params) => params['uri'] === uri(own)).length;
  const touch = (own: string) => client.call(name('touch_resource'), { uri: own });
  const unwatch = await client.watch({ uri: uri(WATCHED) });
  await client.received.untilReceivedAfter(() => touch(WATCHED), UPDATED);
  await client.watch({ uri: uri(ALSO_WATCHED) });
  await unwatch();
  // Updates that the server sent before the client stopped watching arrive before this one.
  const before = countUpdates(ALSO_WATCHED);
  while (countUpdates(ALSO_WATCHED) === before)
    await client.received.untilReceivedAfter(() => touch(ALSO_WATCHED), UPDATED);
  const [updates, otherUpdates] = [countUpdates(WATCHED), countUpdates(ALSO_WATCHED)];
  await touch(WATCHED);
  while (countUpdates(ALSO_WATCHED) === otherUpdates)
    await client.received.untilReceivedAfter(() => touch(ALSO_WATCHED), UPDATED);
  expect(countUpdates(WATCHED)).toBe(updates);
}

async function receivesListChanges({ client, name, uri }: Cell): Promise<void> {
  await client.watch({ lists: true });
  const areExtrasListed = () =>
    Promise.all(
      LISTS.map(async ({ list, key, extra }) => {
        const publicName = key === 'uri' ? uri(extra) : name(extra);
        return (await client.list(list)).some((item) => item[key] === publicName);
      }),
    );
  const before = await areExtrasListed();
  let changes = 0;
  const changeAll = async () => {
    changes += 1;
    for (const { list } of LISTS) await client.call(name(`change_${list}`));
  };
  await client.received.untilReceivedAfter(changeAll, ...LISTS.map(({ list }) => `notifications/${list}/list_changed`));
  expect(await areExtrasListed()).toEqual(before.map((wasListed) => (changes % 2 === 1 ? !wasListed : wasListed)));
}

/** The client cannot watch the resource, but reads its current text. */
async function readsChangedResource({ client, name, uri }: Cell): Promise<void> {
  await expect(client.watch({ uri: uri(WATCHED) })).rejects.toThrow();
  const text = async () => (await client.read(uri(WATCHED)))[0]?.['text'];
  const before = await text();
  await client.call(name('touch_resource'));
  expect(await text()).not.toBe(before);
}

/** The client receives no notification, but lists the changed items. */
async function readsChangedLists({ client, name }: Cell): Promise<void> {
  const isListed = async () => (await client.list('tools')).some((tool) => tool['name'] === name('extra_tool'));
  const before = await isListed();
  await client.call(name('change_tools'));
  expect(await isListed()).toBe(!before);
}

const ROOTS_CHANGED = 'notifications/roots/list_changed';

/** A client whose roots can be changed, and a tool call by which the server requests them. */
async function withChangeableRoots({ connect, name }: Cell) {
  let roots = [{ uri: 'file:///before' }];
  const client = await connect({ answers: { listRoots: () => ({ roots }) } });
  const requestRoots = async () => textOf(await client.call(name('ask_roots')));
  const changeRoots = () => (roots = [{ uri: 'file:///after' }]);
  return { client, requestRoots, changeRoots };
}

async function notifiesOfRoots(cell: Cell): Promise<void> {
  const { client, requestRoots, changeRoots } = await withChangeableRoots(cell);
  expect(await requestRoots()).toBe('roots: file:///before');
  const counted = await client.call(cell.name('count_calls'), { tool: ROOTS_CHANGED });
  changeRoots();
  await client.sendRootsListChanged();
  const once = { tool: ROOTS_CHANGED, event: 'started', count: Number(counted.structuredContent?.['started']) + 1 };
  expect(textOf(await client.call(cell.name('await_calls'), once))).toContain(ROOTS_CHANGED);
  expect(await requestRoots()).toBe('roots: file:///after');
}

/** The server requests the roots each time that it needs them. */
async function returnsRootsOnRequest(cell: Cell): Promise<void> {
  const { client, requestRoots, changeRoots } = await withChangeableRoots(cell);
  expect(await requestRoots()).toBe('roots: file:///before');
  changeRoots();
  if (cell.clientKind.era === 'legacy') await client.sendRootsListChanged();
  else await expect(client.sendRootsListChanged()).rejects.toThrow();
  expect(await requestRoots()).toBe('roots: file:///after');
}

/** The notification does no harm. */
async function ignoresRootsNotification({ client, clientKind, name }: Cell): Promise<void> {
  if (clientKind.era === 'legacy') await client.sendRootsListChanged();
  else await expect(client.sendRootsListChanged()).rejects.toThrow();
  expect(textOf(await client.call(name('echo'), { text: 'all is well' }))).toBe('all is well');
}

const STATELESS = 'Without a session the server has no stream for notifications.';

function limitationOfRoots({ clientKind, serverKind }: Pairing) {
  if (serverKind.stateless)
    return { reason: 'Without a session the server cannot know the roots of a client.', run: ignoresRootsNotification };
  if (clientKind.era === 'legacy' && serverKind.era === 'legacy') return undefined;
  return {
    reason:
      'Revision 2026-07-28 has no such notification: a server that needs the roots requests them again, and receives ' +
      'the new ones.',
    run: returnsRootsOnRequest,
  };
}

export const CHANGES: FeatureGroup = {
  title: 'Notifications of changes',
  features: [
    {
      name: 'receives updates of a resource that it watches',
      run: receivesUpdates,
      limitation: ({ serverKind }) => serverKind.stateless && { reason: STATELESS, run: readsChangedResource },
    },
    {
      name: 'receives no updates of a resource after it stops watching it',
      run: receivesNoMoreUpdates,
      limitation: ({ serverKind }) => serverKind.stateless && { reason: STATELESS, run: readsChangedResource },
    },
    {
      name: 'receives notifications of changed lists, and lists the changed items',
      run: receivesListChanges,
      limitation: ({ serverKind }) => serverKind.stateless && { reason: STATELESS, run: readsChangedLists },
    },
    { name: 'notifies the server that its roots changed', run: notifiesOfRoots, limitation: limitationOfRoots },
  ],
};
