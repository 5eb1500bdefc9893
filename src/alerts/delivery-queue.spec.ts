import { beforeEach, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import type { Alert, Delivery } from './alert.js';
import { DeliveryQueue } from './delivery-queue.js';
import type { AttemptResult } from './webhook.js';

const REFUSED: AttemptResult = { delivered: false, status: 500, error: 'refused', isFinal: false };
const alert: Alert = { id: 'msg_1', type: 'alert.test', at: 0, data: {}, deliveries: [] };

let clock: ManualClock;
let sentAt: number[];
let changes: Delivery[];

beforeEach(() => {
  clock = new ManualClock();
  sentAt = [];
  changes = [];
});

function queueTo(send: () => Promise<AttemptResult>): DeliveryQueue {
  const webhook = {
    origin: 'https://hooks.example',
    send: () => {
      sentAt.push(clock.monotonicNow());
      return send();
    },
  };
  return new DeliveryQueue(
    [webhook],
    clock,
    (_alert, _index, delivery) => void changes.push(delivery),
    () => 0,
  );
}

it('attempts seven times over about three hours, and then fails', async () => {
  queueTo(async () => REFUSED).add(alert);
  await clock.advance(24 * 3_600_000);
  expect(sentAt.map((at) => at / 1_000)).toEqual([0, 5, 35, 155, 755, 2_555, 9_755]);
  expect(changes.map(({ state }) => state)).toEqual([...Array.from({ length: 6 }, () => 'pending'), 'failed']);
  expect(changes.at(-1)).toMatchObject({ attempts: 7, status: 500, error: 'refused' });
  expect(clock.pending).toBe(0);
});

it('fails at once beyond a thousand deliveries that wait, and ends those when it is closed', async () => {
  const queue = queueTo(async () => REFUSED);
  for (let count = 0; count < 1_001; count += 1) queue.add(alert);
  expect(changes).toMatchObject([{ state: 'failed', attempts: 0, error: expect.stringContaining('Too many') }]);
  await clock.advance(0);
  changes.length = 0;
  queue.close();
  expect([changes.length, new Set(changes.map(({ state }) => state))]).toEqual([1_000, new Set(['failed'])]);
  expect(clock.pending).toBe(0);
});
