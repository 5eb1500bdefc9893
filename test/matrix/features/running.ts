import { expect } from 'expect';
import { META } from '#lib/mcp-protocol';
import { textOf, type Progress } from '../../support/sdk-client.js';
import type { Cell, FeatureGroup } from '../feature.js';

const MESSAGE = 'notifications/message';
const WARNING_AND_ABOVE = ['warning', 'error', 'critical', 'alert', 'emergency'];

async function reportsProgress({ client, clientKind, name }: Cell): Promise<void> {
  const seen: Progress[] = [];
  const args = { durationMs: 15, steps: 3 };
  const answer = await client.call(name('slow'), args, { onprogress: (progress) => seen.push(progress) });
  expect(textOf(answer)).toBe('done after 3 steps');
  const steps = [1, 2, 3].map((step) => ({ progress: step, total: 3, message: `step ${step} of 3` }));
  // Over HTTP+SSE these clients drop progress that arrives in one chunk with the answer.
  expect(seen).toEqual(clientKind.path === 'sse' ? steps.slice(0, seen.length) : steps);
}

async function cancels({ client, name }: Cell): Promise<void> {
  const counted = await client.call(name('count_calls'), { tool: 'hold' });
  const before = Number(counted.structuredContent?.['cancelled']);
  const cancel = new AbortController();
  const onprogress = () => cancel.abort(new Error('enough'));
  const held = client.call(name('hold'), { key: 'never' }, { signal: cancel.signal, onprogress });
  await expect(held).rejects.toThrow();
  const once = { tool: 'hold', event: 'cancelled', count: before + 1 };
  expect(textOf(await client.call(name('await_calls'), once))).toMatch(/^hold cancelled/);
}

/** A client with a session sets the log level once. */
async function logsInSession({ client, name }: Cell): Promise<void> {
  await client.setLogLevel('warning');
  await client.received.untilReceivedAfter(() => client.call(name('log_at_levels')), MESSAGE);
  await expectWarnings(client);
}

/** A client without a session sends the log level with each request. */
async function logsByRequest({ client, name }: Cell): Promise<void> {
  await client.call(name('log_at_levels'));
  expect(client.received.of(MESSAGE)).toEqual([]);
  await client.call(name('log_at_levels'), {}, { meta: { [META.logLevel]: 'warning' } });
  await expectWarnings(client);
}

async function expectWarnings({ received }: Cell['client']): Promise<void> {
  const messages = await received.until(MESSAGE, WARNING_AND_ABOVE.length);
  expect(messages.slice(0, WARNING_AND_ABOVE.length).map(({ level }) => level)).toEqual(WARNING_AND_ABOVE);
  expect(messages[0]).toMatchObject({ logger: 'reference', data: 'a message at level warning' });
}

export const RUNNING: FeatureGroup = {
  title: 'Progress, cancellation and log messages',
  features: [
    { name: 'receives progress', run: reportsProgress },
    { name: 'cancels a call, and the server sees the cancellation', run: cancels },
    {
      name: 'receives log messages of the requested level and above, and no others',
      run: (cell) => (cell.clientKind.era === 'legacy' ? logsInSession(cell) : logsByRequest(cell)),
    },
  ],
};
