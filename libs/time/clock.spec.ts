import { describe, expect, it } from '@jest/globals';
import { connect, createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { ManualClock } from '#lib/testing/manual-clock';
import { SystemClock, type Clock } from './index.js';

interface ClockWorld {
  readonly clock: Clock;
  /** Lets at least so many milliseconds pass. */
  elapse(ms: number): Promise<void>;
}

const system = (): ClockWorld => ({
  clock: new SystemClock(),
  // Work of the same moment runs after the timers.
  elapse: (ms) => new Promise((resolve) => setTimeout(() => setImmediate(resolve), ms)),
});

function manual(): ClockWorld {
  const clock = new ManualClock();
  return { clock, elapse: (ms) => clock.advance(ms) };
}

/** The contract of `Clock`, which every adapter honours. */
describe.each([
  ['SystemClock', system],
  ['ManualClock', manual],
] as const)('%s', (_name, open) => {
  it('advances both its times while time passes', async () => {
    const { clock, elapse } = open();
    const [now, monotonicNow] = [clock.now(), clock.monotonicNow()];
    await elapse(20);
    expect(clock.now() - now).toBeGreaterThanOrEqual(10);
    expect(clock.monotonicNow() - monotonicNow).toBeGreaterThanOrEqual(10);
  });

  it('runs work once, and not before its time', async () => {
    const { clock, elapse } = open();
    const startedAt = clock.monotonicNow();
    const ranAfter: number[] = [];
    clock.after(10, () => ranAfter.push(clock.monotonicNow() - startedAt));
    expect(ranAfter).toEqual([]);
    await elapse(40);
    expect(ranAfter).toHaveLength(1);
    // Node rounds the start of a timer down to a millisecond.
    expect(ranAfter[0]).toBeGreaterThanOrEqual(9);
  });

  it('runs work in the order of its times, and equal times in the order of the calls', async () => {
    const { clock, elapse } = open();
    const ran: string[] = [];
    clock.after(20, () => ran.push('late'));
    clock.after(1, () => ran.push('early, first'));
    clock.after(1, () => ran.push('early, second'));
    await elapse(40);
    expect(ran).toEqual(['early, first', 'early, second', 'late']);
  });

  it('does not run cancelled work', async () => {
    const { clock, elapse } = open();
    let runs = 0;
    const cancel = clock.after(5, () => (runs += 1));
    cancel();
    cancel();
    await elapse(20);
    expect(runs).toBe(0);
  });

  it('repeats work until it is cancelled', async () => {
    const { clock, elapse } = open();
    let runs = 0;
    const cancel = clock.every(5, () => (runs += 1));
    await elapse(40);
    expect(runs).toBeGreaterThanOrEqual(2);
    cancel();
    const atCancel = runs;
    await elapse(20);
    expect(runs).toBe(atCancel);
  });

  it('stops repeating when the work itself cancels', async () => {
    const { clock, elapse } = open();
    let runs = 0;
    const cancel = clock.every(5, () => {
      runs += 1;
      cancel();
    });
    await elapse(40);
    expect(runs).toBe(1);
  });

  it('ends a sleep after its time', async () => {
    const { clock, elapse } = open();
    const startedAt = clock.monotonicNow();
    const slept = clock.sleep(10).then(() => clock.monotonicNow() - startedAt);
    await elapse(20);
    expect(await slept).toBeGreaterThanOrEqual(9);
  });

  it('ends a sleep as soon as its signal aborts', async () => {
    const { clock } = open();
    const stop = new AbortController();
    const slept = clock.sleep(3_600_000, stop.signal);
    stop.abort();
    await expect(slept).resolves.toBeUndefined();
    await expect(clock.sleep(3_600_000, stop.signal)).resolves.toBeUndefined();
  });

  it('aborts a timeout signal with a TimeoutError', async () => {
    const { clock, elapse } = open();
    const signal = clock.timeoutSignal(10);
    expect(signal.aborted).toBe(false);
    await elapse(40);
    expect(signal.reason).toMatchObject({ name: 'TimeoutError' });
  });
});

describe('ManualClock', () => {
  it('stands still until it is advanced, and counts the timers that wait', async () => {
    const clock = new ManualClock(1_000);
    clock.after(10, () => undefined);
    await clock.advance(9);
    expect([clock.now(), clock.monotonicNow(), clock.pending]).toEqual([1_009, 9, 1]);
    await clock.advance(1);
    expect(clock.pending).toBe(0);
  });
});

describe('SystemClock', () => {
  const SCHEDULES: readonly [string, (clock: Clock, run: () => void) => void][] = [
    ['after', (clock: Clock, run: () => void) => void clock.after(5, run)],
    [
      'every',
      (clock: Clock, run: () => void) => {
        const stop = clock.every(5, () => {
          stop();
          run();
        });
      },
    ],
    ['timeoutSignal', (clock: Clock, run: () => void) => clock.timeoutSignal(5).addEventListener('abort', run)],
  ];

  it.each(SCHEDULES)(
    '%s runs after the data that arrived while the process was busy was read',
    async (_name, schedule) => {
      const server = createServer((socket) => socket.pipe(socket));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const [near, far] = [connect((server.address() as AddressInfo).port, '127.0.0.1'), once(server, 'connection')];
      const [socket] = (await far) as [NodeJS.WritableStream];
      await once(near, 'connect');
      const events: string[] = [];
      const data = once(near, 'data').then(() => events.push('data'));
      const timer = new Promise<void>((resolve) => schedule(new SystemClock(), resolve)).then(() =>
        events.push('timer'),
      );
      socket.write('x');
      // Blocks this thread until the time of the timer is over.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
      await Promise.all([data, timer]);
      expect(events).toEqual(['data', 'timer']);
      near.destroy();
      server.close();
    },
  );
});
