import { expect } from '@jest/globals';
import { describeCells, type Cell, type Feature } from '../support/client-cells.js';

const WATCHED = 'test://watched-resource';

const LISTS = [
  { list: 'tools', key: 'name', extra: 'extra_tool' },
  { list: 'prompts', key: 'name', extra: 'extra_prompt' },
  { list: 'resources', key: 'uri', extra: 'test://extra' },
] as const;

async function hearsOfAResource({ client, name, uri }: Cell): Promise<void> {
  await client.watch({ uri: uri(WATCHED) });
  const touch = () => client.call(name('touch_resource'));
  const [updated] = await client.heard.afterDoing(touch, 'notifications/resources/updated');
  expect(updated).toMatchObject({ uri: uri(WATCHED) });
  const [contents] = await client.read(uri(WATCHED));
  expect(contents?.['text']).toMatch(/^revision [1-9]/);
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
  await client.heard.afterDoing(changeAll, ...LISTS.map(({ list }) => `notifications/${list}/list_changed`));
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

const STATELESS = 'Without sessions the server has no stream to announce anything on.';

const FEATURES: readonly Feature[] = [
  {
    name: 'hears of a resource that it watches',
    run: hearsOfAResource,
    instead: ({ serverKind }) => serverKind.stateless && { why: STATELESS, run: findsAResourceChanged },
  },
  {
    name: 'hears of lists that change',
    run: hearsOfLists,
    instead: ({ serverKind }) => serverKind.stateless && { why: STATELESS, run: findsListsChanged },
  },
];

describeCells(FEATURES);
