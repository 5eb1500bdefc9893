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
  details.record(remoteServer('a'), 'the program "x" does not exist');
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
  for (const detail of ['one', 'one', 'two']) details.record(remoteServer('a'), detail);
  await clock.advance(60_000);
  for (const detail of ['two', 'two']) details.record(remoteServer('a'), detail);
  expect(warnings).toEqual(['a: one', 'a: two', 'a: two']);
});

it('a detail belongs only to failures that the call could have met', async () => {
  const clock = new ManualClock();
  const details = new FailureDetails(clock, { warn: () => undefined });
  const health = new ServerHealth(new FakeRegistry([remoteServer('a')]), clock, details);
  await clock.advance(5);
  details.record(remoteServer('a'), 'the disk is full');
  const failedAt = clock.now();
  expect(health.detailSince('a', failedAt - 3)).toBe('the disk is full');
  expect(health.detailSince('a', failedAt + 1)).toBeUndefined();
  await clock.advance(10);
  details.confirm('a');
  expect(health.detailSince('a', failedAt + 1)).toBe('the disk is full');
});

it('a detail contains no credentials of the entry of its server', () => {
  const clock = new ManualClock();
  const details = new FailureDetails(clock, { warn: () => undefined });
  details.record(remoteServer('a', { headers: { 'X-Key': 'opensesame' } }), 'the key opensesame is wrong');
  expect(details.get('a')?.detail).toBe('the key [hidden] is wrong');
});
