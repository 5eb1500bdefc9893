import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { McpNotification } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { ChangeNotifier } from './change-notifier.js';
import type { ListView } from './list-views.js';

const TOOLS = { method: 'notifications/tools/list_changed', params: {} };
const PROMPTS = { method: 'notifications/prompts/list_changed', params: {} };
const updated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } });

/** A client whose view the spec controls. */
function world(view: Partial<ListView> = {}) {
  const sent: McpNotification[] = [];
  const comparisons: [string, string[] | undefined][] = [];
  const notifier = new ChangeNotifier((change) => void sent.push(change), clock);
  const closed = jest.fn();
  const shown: ListView = {
    ready: Promise.resolve(),
    hasSnapshot: () => true,
    hasChanged: () => true,
    isResourceVisible: () => true,
    close: closed,
    ...view,
  };
  notifier.setView({
    ...shown,
    hasChanged: (list, servers) => {
      comparisons.push([list, servers && [...servers]]);
      return shown.hasChanged(list, servers);
    },
  });
  return { notifier, sent, comparisons, closed };
}

const later = () => clock.advance(1_000);

let clock: ManualClock;

beforeEach(() => {
  clock = new ManualClock();
});

describe('the change notifier of a client', () => {
  it('notifies once per burst, after comparing the list at the changed servers', async () => {
    const { notifier, sent, comparisons } = world({ hasChanged: () => Promise.resolve(true) });
    for (const server of ['a', 'b', 'a']) notifier.record(TOOLS, { server });
    await later();
    expect(sent).toEqual([TOOLS]);
    expect(comparisons).toEqual([['toolsListChanged', ['a', 'b']]]);
  });

  it('does not notify of a list that is unchanged for the client', async () => {
    const { notifier, sent } = world({ hasChanged: () => Promise.resolve(false) });
    notifier.record(TOOLS, { server: 'a' });
    notifier.record(updated('f:/x'), { resource: 'f:/x' });
    await later();
    expect(sent).toEqual([updated('f:/x')]);
  });

  it('notifies of a list without a snapshot, and compares it nevertheless', async () => {
    const { notifier, sent, comparisons } = world({
      hasChanged: () => Promise.resolve(false),
      hasSnapshot: () => false,
    });
    notifier.record(TOOLS, { server: 'a' });
    await later();
    expect([sent, comparisons.length]).toEqual([[TOOLS], 1]);
  });

  it('notifies of a change by the gateway itself, and compares the list at all servers', async () => {
    const { notifier, sent, comparisons } = world({ hasChanged: () => Promise.resolve(false) });
    notifier.record(TOOLS, { server: 'a' });
    notifier.record(TOOLS);
    await later();
    expect([sent, comparisons]).toEqual([[TOOLS], [['toolsListChanged', undefined]]]);
  });

  it('notifies without delay if no comparison is necessary', async () => {
    const { notifier, sent } = world();
    notifier.record(TOOLS, { server: 'a' });
    await clock.advance(100);
    expect(sent).toEqual([TOOLS]);
  });

  it('notifies of one list while the comparison of another is running', async () => {
    const { notifier, sent } = world({
      hasChanged: (list) => (list === 'toolsListChanged' ? new Promise(() => undefined) : Promise.resolve(true)),
    });
    for (const change of [TOOLS, PROMPTS]) notifier.record(change, { server: 'a' });
    await later();
    expect(sent).toEqual([PROMPTS]);
  });

  it('compares a list again after a comparison during which it changed', async () => {
    const answers: PromiseWithResolvers<boolean>[] = [];
    const hasChanged = () => {
      answers.push(Promise.withResolvers());
      return answers.at(-1)?.promise ?? true;
    };
    const { notifier, sent } = world({ hasChanged });
    notifier.record(TOOLS, { server: 'a' });
    await later();
    notifier.record(TOOLS, { server: 'a' });
    await later();
    expect(answers).toHaveLength(1);
    answers[0]?.resolve(true);
    await later();
    answers[1]?.resolve(false);
    await later();
    expect([answers.length, sent]).toEqual([2, [TOOLS]]);
  });

  it('notifies of everything that may have changed when it is flushed, without comparing', async () => {
    const comparison = Promise.withResolvers<boolean>();
    const { notifier, sent } = world({ hasChanged: () => comparison.promise });
    notifier.record(TOOLS, { server: 'a' });
    await later();
    notifier.record(PROMPTS, { server: 'a' });
    notifier.flush();
    expect(sent).toEqual([TOOLS, PROMPTS]);
    comparison.resolve(true);
    await later();
    expect(sent).toHaveLength(2);
  });

  it('sends no notification after it was closed, and closes its view', async () => {
    const comparison = Promise.withResolvers<boolean>();
    const { notifier, sent, closed } = world({ hasChanged: () => comparison.promise });
    notifier.record(TOOLS, { server: 'a' });
    await later();
    notifier.close();
    comparison.resolve(true);
    await later();
    expect([sent, closed.mock.calls.length]).toEqual([[], 1]);
  });
});
