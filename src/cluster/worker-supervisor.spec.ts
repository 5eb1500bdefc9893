/** @waits */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock } from '#lib/testing/manual-clock';
import { ClusterFault, WorkerSupervisor } from './index.js';
import { WorkerLauncher, type WorkerEvents, type WorkerProcess } from './worker-launcher.js';

/** A worker that the spec controls. */
class FakeWorker implements WorkerProcess {
  readonly signals: NodeJS.Signals[] = [];

  constructor(
    readonly pid: number,
    private readonly events: WorkerEvents,
  ) {}

  kill(signal: NodeJS.Signals): void {
    this.signals.push(signal);
  }

  isGreetingConfirmed = false;

  confirmGreeting(): void {
    this.isGreetingConfirmed = true;
  }

  listen(greeting = 'hello', isFirst = false): void {
    this.events.onReport({ kind: 'listening', greeting, isFirst });
  }

  fail(text: string): void {
    this.events.onReport({ kind: 'fault', text });
    this.end(1);
  }

  end(code: number | null, signal: string | null = null): void {
    this.events.onExit({ code, signal });
  }
}

class FakeLauncher extends WorkerLauncher {
  readonly workers: FakeWorker[] = [];

  launch(events: WorkerEvents): WorkerProcess {
    const worker = new FakeWorker(this.workers.length + 1, events);
    this.workers.push(worker);
    return worker;
  }

  worker(pid: number): FakeWorker {
    return this.workers[pid - 1]!;
  }
}

let clock: ManualClock;

let launcher: FakeLauncher;
let warnings: string[];

beforeEach(() => {
  clock = new ManualClock();
  launcher = new FakeLauncher();
  warnings = [];
  const silent = () => {};
  Logger.overrideLogger({ log: silent, error: silent, warn: (text: string) => warnings.push(text) });
});

afterEach(() => {
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

function superviseWorkers(size: number): { supervisor: WorkerSupervisor; started: Promise<string> } {
  const supervisor = new WorkerSupervisor(launcher, size, clock);
  return { supervisor, started: supervisor.start() };
}

async function startListeningWorkers(size: number): Promise<WorkerSupervisor> {
  const { supervisor, started } = superviseWorkers(size);
  for (const worker of launcher.workers) worker.listen();
  await started;
  return supervisor;
}

describe('the first start of several workers', () => {
  it('returns the greeting of the worker that created the data folder, once all workers listen', async () => {
    const { started } = superviseWorkers(3);
    const greeted = jest.fn();
    void started.then(greeted);
    launcher.worker(2).listen('again');
    launcher.worker(1).listen('here is a token', true);
    await clock.advance(0);
    expect(greeted).not.toHaveBeenCalled();
    launcher.worker(3).listen('again');
    expect(await started).toBe('here is a token');
  });

  it('notifies every worker once the greeting is printed, and workers that start later at once', async () => {
    const { supervisor, started } = superviseWorkers(2);
    for (const worker of launcher.workers) worker.listen();
    await started;
    expect(launcher.workers.map(({ isGreetingConfirmed }) => isGreetingConfirmed)).toEqual([false, false]);
    supervisor.confirmGreeting();
    expect(launcher.workers.map(({ isGreetingConfirmed }) => isGreetingConfirmed)).toEqual([true, true]);
    launcher.worker(1).end(1);
    await clock.advance(60_000);
    launcher.worker(3).listen();
    expect(launcher.worker(3).isGreetingConfirmed).toBe(true);
  });

  it('fails when no worker can start, and reports a shared reason once', async () => {
    const { started } = superviseWorkers(2);
    launcher.worker(1).fail('The port is in use.');
    launcher.worker(2).fail('The port is in use.');
    await expect(started).rejects.toEqual(new ClusterFault('The port is in use.'));
    await clock.advance(60_000);
    expect(launcher.workers).toHaveLength(2);
  });

  it('reports the signal of a worker that exited without a reason', async () => {
    const { started } = superviseWorkers(1);
    launcher.worker(1).end(null, 'SIGKILL');
    await expect(started).rejects.toThrow('SIGKILL');
  });

  it('succeeds when one worker listens, and starts the failed ones again with a warning', async () => {
    const { started } = superviseWorkers(2);
    launcher.worker(1).fail('No memory.');
    launcher.worker(2).listen('hello');
    expect(await started).toBe('hello');
    expect(warnings.join()).toContain('No memory.');
    await clock.advance(250);
    expect(launcher.workers).toHaveLength(3);
  });
});

describe('a worker that dies', () => {
  it('is replaced at once after a stable run', async () => {
    await startListeningWorkers(2);
    await clock.advance(10_000);
    launcher.worker(1).end(null, 'SIGKILL');
    await clock.advance(0);
    expect(launcher.workers).toHaveLength(3);
    expect(warnings).toEqual([expect.stringMatching(/Worker 1 ended \(SIGKILL\).*at once/)]);
  });

  it('is replaced after an exponential delay while its replacements die early', async () => {
    await startListeningWorkers(1);
    const delays = [];
    for (let pid = 1; pid <= 9; pid += 1) {
      launcher.worker(pid).end(1);
      const before = clock.monotonicNow();
      while (launcher.workers.length === pid) await clock.advance(250);
      delays.push(clock.monotonicNow() - before);
      launcher.worker(pid + 1).listen();
    }
    expect(delays).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it('does not delay the replacement of another worker', async () => {
    await startListeningWorkers(2);
    launcher.worker(1).end(1);
    await clock.advance(20_000);
    launcher.worker(2).end(1);
    await clock.advance(0);
    expect(launcher.workers).toHaveLength(4);
  });
});

describe('stopping the workers', () => {
  it('makes all workers drain and resolves with the last exit', async () => {
    const supervisor = await startListeningWorkers(2);
    const ended = jest.fn();
    void supervisor.stopped.then(ended);
    supervisor.stop();
    supervisor.stop();
    expect(launcher.workers.map(({ signals }) => signals)).toEqual([['SIGTERM'], ['SIGTERM']]);
    launcher.worker(1).end(0);
    await clock.advance(10_000);
    expect(ended).not.toHaveBeenCalled();
    launcher.worker(2).end(0);
    expect(await supervisor.stopped).toBe(0);
    await clock.advance(60_000);
    expect(launcher.workers).toHaveLength(2);
  });

  it('replaces no worker, not even one that died before', async () => {
    const supervisor = await startListeningWorkers(2);
    launcher.worker(1).end(1);
    supervisor.stop();
    launcher.worker(2).end(0);
    expect(await supervisor.stopped).toBe(0);
    await clock.advance(60_000);
    expect(launcher.workers).toHaveLength(2);
  });

  it('kills a worker that still runs at the deadline and reports it by the exit code', async () => {
    const supervisor = await startListeningWorkers(1);
    supervisor.stop();
    await clock.advance(27_999);
    expect(launcher.worker(1).signals).toEqual(['SIGTERM']);
    await clock.advance(1);
    expect(launcher.worker(1).signals).toEqual(['SIGTERM', 'SIGKILL']);
    launcher.worker(1).end(null, 'SIGKILL');
    expect(await supervisor.stopped).toBe(1);
  });

  it('succeeds when a worker was still starting', async () => {
    const { supervisor } = superviseWorkers(1);
    supervisor.stop();
    launcher.worker(1).end(null, 'SIGTERM');
    expect(await supervisor.stopped).toBe(0);
  });
});

describe('reloading the workers', () => {
  it('signals only listening workers, because a starting worker would die of the signal', async () => {
    const supervisor = await startListeningWorkers(2);
    launcher.worker(1).end(1);
    await clock.advance(250);
    supervisor.reload();
    expect(launcher.workers.map(({ signals }) => signals)).toEqual([[], ['SIGHUP'], []]);
  });
});
