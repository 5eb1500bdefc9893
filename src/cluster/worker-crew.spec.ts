/** @runs-alone */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ClusterFault, WorkerCrew, WorkerLauncher, type WorkerEvents, type WorkerProcess } from './index.js';

/** A worker that does what the spec says. */
class FakeWorker implements WorkerProcess {
  readonly signals: NodeJS.Signals[] = [];

  constructor(
    readonly pid: number,
    private readonly events: WorkerEvents,
  ) {}

  kill(signal: NodeJS.Signals): void {
    this.signals.push(signal);
  }

  listen(greeting = 'hello', isFirst = false): void {
    this.events.onReport({ kind: 'listening', greeting, isFirst });
  }

  fail(text: string): void {
    this.events.onReport({ kind: 'fault', text });
    this.end(1);
  }

  end(code: number | null, signal: string | null = null): void {
    this.events.onEnd({ code, signal });
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

let launcher: FakeLauncher;
let warnings: string[];

beforeEach(() => {
  jest.useFakeTimers();
  launcher = new FakeLauncher();
  warnings = [];
  const silent = () => {};
  Logger.overrideLogger({ log: silent, error: silent, warn: (text: string) => warnings.push(text) });
});

afterEach(() => {
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
  jest.useRealTimers();
});

function crewOf(size: number): { crew: WorkerCrew; started: Promise<string> } {
  const crew = new WorkerCrew(launcher, size);
  return { crew, started: crew.start() };
}

async function crewAtWork(size: number): Promise<WorkerCrew> {
  const { crew, started } = crewOf(size);
  for (const worker of launcher.workers) worker.listen();
  await started;
  return crew;
}

describe('the first start of several workers', () => {
  it('greets once, when all of them listen, in the words of the one that was first in the data folder', async () => {
    const { started } = crewOf(3);
    const greeted = jest.fn();
    void started.then(greeted);
    launcher.worker(2).listen('again');
    launcher.worker(1).listen('here is a token', true);
    await jest.advanceTimersByTimeAsync(0);
    expect(greeted).not.toHaveBeenCalled();
    launcher.worker(3).listen('again');
    expect(await started).toBe('here is a token');
  });

  it('is given up when nobody can start, and a reason that they share is told once', async () => {
    const { started } = crewOf(2);
    launcher.worker(1).fail('The port is in use.');
    launcher.worker(2).fail('The port is in use.');
    await expect(started).rejects.toEqual(new ClusterFault('The port is in use.'));
    await jest.advanceTimersByTimeAsync(60_000);
    expect(launcher.workers).toHaveLength(2);
  });

  it('tells of a worker that ended without a reason how it ended', async () => {
    const { started } = crewOf(1);
    launcher.worker(1).end(null, 'SIGKILL');
    await expect(started).rejects.toThrow('SIGKILL');
  });

  it('succeeds with those that listen; who failed is tried again, and the log says why', async () => {
    const { started } = crewOf(2);
    launcher.worker(1).fail('No memory.');
    launcher.worker(2).listen('hello');
    expect(await started).toBe('hello');
    expect(warnings.join()).toContain('No memory.');
    await jest.advanceTimersByTimeAsync(250);
    expect(launcher.workers).toHaveLength(3);
  });
});

describe('a worker that dies', () => {
  it('is replaced at once after a good life', async () => {
    await crewAtWork(2);
    await jest.advanceTimersByTimeAsync(10_000);
    launcher.worker(1).end(null, 'SIGKILL');
    await jest.advanceTimersByTimeAsync(0);
    expect(launcher.workers).toHaveLength(3);
    expect(warnings).toEqual([expect.stringMatching(/Worker 1 ended \(SIGKILL\).*at once/)]);
  });

  it('is replaced after a growing pause when none of its successors lasts', async () => {
    await crewAtWork(1);
    const pauses = [];
    for (let pid = 1; pid <= 9; pid += 1) {
      launcher.worker(pid).end(1);
      const before = performance.now();
      while (launcher.workers.length === pid) await jest.advanceTimersByTimeAsync(250);
      pauses.push(performance.now() - before);
      launcher.worker(pid + 1).listen();
    }
    expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it('does not slow down the replacement of another', async () => {
    await crewAtWork(2);
    launcher.worker(1).end(1);
    await jest.advanceTimersByTimeAsync(20_000);
    launcher.worker(2).end(1);
    await jest.advanceTimersByTimeAsync(0);
    expect(launcher.workers).toHaveLength(4);
  });
});

describe('leaving', () => {
  it('lets all finish and ends with the last', async () => {
    const crew = await crewAtWork(2);
    const ended = jest.fn();
    void crew.ended.then(ended);
    crew.leave();
    crew.leave();
    expect(launcher.workers.map(({ signals }) => signals)).toEqual([['SIGTERM'], ['SIGTERM']]);
    launcher.worker(1).end(0);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(ended).not.toHaveBeenCalled();
    launcher.worker(2).end(0);
    expect(await crew.ended).toBe(0);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(launcher.workers).toHaveLength(2);
  });

  it('replaces nobody any more, not even who died before', async () => {
    const crew = await crewAtWork(2);
    launcher.worker(1).end(1);
    crew.leave();
    launcher.worker(2).end(0);
    expect(await crew.ended).toBe(0);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(launcher.workers).toHaveLength(2);
  });

  it('kills who is still there at the deadline, and tells by the exit code', async () => {
    const crew = await crewAtWork(1);
    crew.leave();
    await jest.advanceTimersByTimeAsync(27_999);
    expect(launcher.worker(1).signals).toEqual(['SIGTERM']);
    await jest.advanceTimersByTimeAsync(1);
    expect(launcher.worker(1).signals).toEqual(['SIGTERM', 'SIGKILL']);
    launcher.worker(1).end(null, 'SIGKILL');
    expect(await crew.ended).toBe(1);
  });

  it('is no failure when a worker was still starting', async () => {
    const { crew } = crewOf(1);
    crew.leave();
    launcher.worker(1).end(null, 'SIGTERM');
    expect(await crew.ended).toBe(0);
  });
});

describe('a reload', () => {
  it('reaches those that listen; a worker that starts would die of the signal', async () => {
    const crew = await crewAtWork(2);
    launcher.worker(1).end(1);
    await jest.advanceTimersByTimeAsync(250);
    crew.reload();
    expect(launcher.workers.map(({ signals }) => signals)).toEqual([[], ['SIGHUP'], []]);
  });
});
