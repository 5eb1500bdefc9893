import { expect, it } from '@jest/globals';
import { result, toFaultOutcome } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { FakeRegistry, remoteServer } from '../../test/support/fake-upstream.js';
import { FailureDetails } from '../upstream/index.js';
import { ServerHealth } from './server-health.js';

const NEVER = new AbortController().signal;

it('the health of a server shows the detail of its last failure until the server answers again', async () => {
  const clock = new ManualClock();
  const warnings: string[] = [];
  const details = new FailureDetails(clock, { warn: (line: string) => void warnings.push(line) });
  const health = new ServerHealth(new FakeRegistry([remoteServer('a')]), clock, details);
  details.record('a', 'the program "x" does not exist');
  health.record('a', toFaultOutcome('refused', 'ENOENT'), NEVER);
  expect(health.get('a')).toMatchObject({
    state: 'down',
    reason: 'Upstream could not be reached: ENOENT',
    detail: 'the program "x" does not exist',
  });
  expect(health.get('b')).not.toHaveProperty('detail');
  await clock.advance(1);
  health.record('a', result({}), NEVER);
  expect(health.get('a')).not.toHaveProperty('detail');
  expect(warnings).toEqual(['a: the program "x" does not exist']);
});

it('a repeated detail is logged once a minute, and another one at once', async () => {
  const clock = new ManualClock();
  const warnings: string[] = [];
  const details = new FailureDetails(clock, { warn: (line: string) => void warnings.push(line) });
  for (const detail of ['one', 'one', 'two']) details.record('a', detail);
  await clock.advance(60_000);
  for (const detail of ['two', 'two']) details.record('a', detail);
  expect(warnings).toEqual(['a: one', 'a: two', 'a: two']);
});
