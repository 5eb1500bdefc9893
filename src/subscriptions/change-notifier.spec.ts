import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { McpNotification } from '#lib/mcp-protocol';
import { ChangeNotifier } from './change-notifier.js';
import type { ListView } from './list-views.js';

const TOOLS = { method: 'notifications/tools/list_changed', params: {} };
const PROMPTS = { method: 'notifications/prompts/list_changed', params: {} };
const updated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } });

/** A client whose view the spec controls. */
function world(view: Partial<ListView> = {}) {
  const told: McpNotification[] = [];
  const looks: [string, string[] | undefined][] = [];
  const teller = new ChangeNotifier((change) => void told.push(change));
  const closed = jest.fn();
  const shown: ListView = {
    ready: Promise.resolve(),
    hasSnapshot: () => true,
    hasChanged: () => true,
    isResourceVisible: () => true,
    close: closed,
    ...view,
  };
  teller.setView({
    ...shown,
    hasChanged: (list, servers) => {
      looks.push([list, servers && [...servers]]);
      return shown.hasChanged(list, servers);
    },
  });
  return { teller, told, looks, closed };
}

const later = () => jest.advanceTimersByTimeAsync(1_000);

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

describe('the change notifier of a client', () => {
  it('notifies once per burst, after comparing the list at the changed servers', async () => {
    const { teller, told, looks } = world({ hasChanged: () => Promise.resolve(true) });
    for (const server of ['a', 'b', 'a']) teller.record(TOOLS, { server });
    await later();
    expect(told).toEqual([TOOLS]);
    expect(looks).toEqual([['toolsListChanged', ['a', 'b']]]);
  });

  it('does not notify of a list that is unchanged for the client', async () => {
    const { teller, told } = world({ hasChanged: () => Promise.resolve(false) });
    teller.record(TOOLS, { server: 'a' });
    teller.record(updated('f:/x'), { resource: 'f:/x' });
    await later();
    expect(told).toEqual([updated('f:/x')]);
  });

  it('notifies of a list without a snapshot, and compares it nevertheless', async () => {
    const { teller, told, looks } = world({ hasChanged: () => Promise.resolve(false), hasSnapshot: () => false });
    teller.record(TOOLS, { server: 'a' });
    await later();
    expect([told, looks.length]).toEqual([[TOOLS], 1]);
  });

  it('notifies of a change by the gateway itself, and compares the list at all servers', async () => {
    const { teller, told, looks } = world({ hasChanged: () => Promise.resolve(false) });
    teller.record(TOOLS, { server: 'a' });
    teller.record(TOOLS);
    await later();
    expect([told, looks]).toEqual([[TOOLS], [['toolsListChanged', undefined]]]);
  });

  it('notifies without delay if no comparison is necessary', async () => {
    const { teller, told } = world();
    teller.record(TOOLS, { server: 'a' });
    jest.advanceTimersByTime(100);
    expect(told).toEqual([TOOLS]);
  });

  it('notifies of one list while the comparison of another is running', async () => {
    const { teller, told } = world({
      hasChanged: (list) => (list === 'toolsListChanged' ? new Promise(() => undefined) : Promise.resolve(true)),
    });
    for (const change of [TOOLS, PROMPTS]) teller.record(change, { server: 'a' });
    await later();
    expect(told).toEqual([PROMPTS]);
  });

  it('compares a list again after a comparison during which it changed', async () => {
    const answers: PromiseWithResolvers<boolean>[] = [];
    const hasChanged = () => {
      answers.push(Promise.withResolvers());
      return answers.at(-1)?.promise ?? true;
    };
    const { teller, told } = world({ hasChanged });
    teller.record(TOOLS, { server: 'a' });
    await later();
    teller.record(TOOLS, { server: 'a' });
    await later();
    expect(answers).toHaveLength(1);
    answers[0]?.resolve(true);
    await later();
    answers[1]?.resolve(false);
    await later();
    expect([answers.length, told]).toEqual([2, [TOOLS]]);
  });

  it('notifies of everything that may have changed when it is flushed, without comparing', async () => {
    const look = Promise.withResolvers<boolean>();
    const { teller, told } = world({ hasChanged: () => look.promise });
    teller.record(TOOLS, { server: 'a' });
    await later();
    teller.record(PROMPTS, { server: 'a' });
    teller.flush();
    expect(told).toEqual([TOOLS, PROMPTS]);
    look.resolve(true);
    await later();
    expect(told).toHaveLength(2);
  });

  it('sends no notification after it was closed, and closes its view', async () => {
    const look = Promise.withResolvers<boolean>();
    const { teller, told, closed } = world({ hasChanged: () => look.promise });
    teller.record(TOOLS, { server: 'a' });
    await later();
    teller.close();
    look.resolve(true);
    await later();
    expect([told, closed.mock.calls.length]).toEqual([[], 1]);
  });
});
