import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { LoadOrder } from '../load-orders.js';
import type { Study } from './study.js';
import { startWorkerPair, type WorkerPair } from './worker-pair.js';

const CALLS = 1_000;
const PER_SECOND = 250;
const MAX_FORWARDED = 4;
/** The number of background commands of the workers varies slightly. */
const TOLERANCE = 0.05;

type Commands = Readonly<Record<string, number>>;

interface Counted {
  readonly what: string;
  readonly calls: number;
  /** Commands per call, without those inside scripts and without background commands. */
  readonly perCall: number;
  readonly byCommand: Commands;
  readonly errors: number;
}

/** Counts the round trips to Redis of a call. */
export const studyRoundTrips: Study = async (bench) => {
  const pair = await startWorkerPair(bench);
  const client = new Redis(pair.redis.url);
  const monitor = await client.monitor();
  let seen: Record<string, number> = {};
  monitor.on('monitor', (_time: string, [command = '']: string[], source: string) => {
    if (source !== 'lua') seen[command.toLowerCase()] = (seen[command.toLowerCase()] ?? 0) + 1;
  });
  const during = async <T>(what: () => Promise<T>): Promise<{ value: T; commands: Commands }> => {
    seen = {};
    const value = await what();
    return { value, commands: seen };
  };
  const count = async (what: string, order: LoadOrder): Promise<Counted> => {
    const warmUp: LoadOrder = { ...order, durationMs: 500 };
    await bench.load.order(warmUp);
    const idle = await during(() => pause(order.durationMs));
    const { value, commands } = await during(() => bench.load.order(order));
    const more = without(commands, idle.commands);
    const total = Object.values(more).reduce((sum, each) => sum + each, 0);
    return { what, calls: value.calls, perCall: total / value.calls, byCommand: more, errors: value.errors };
  };
  try {
    const counted: Counted[] = [];
    for (const [what, order] of Object.entries(ordersOf(pair))) counted.push(await count(what, order));
    return reportOf(counted);
  } finally {
    monitor.disconnect();
    client.disconnect();
    await pair.stop();
  }
};

function ordersOf(pair: WorkerPair): Record<string, LoadOrder> {
  const plan = { concurrency: 1, perSecond: PER_SECOND, durationMs: (CALLS * 1_000) / PER_SECOND };
  return {
    'local legacy': pair.load('local', plan),
    'modern to modern': { order: 'load', era: 'modern', target: pair.ingress.target('modern'), ...plan },
    forwarded: pair.load('forwarded', plan),
  };
}

function without(commands: Commands, idle: Commands): Commands {
  const names = new Set([...Object.keys(commands), ...Object.keys(idle)]);
  return Object.fromEntries([...names].map((name) => [name, (commands[name] ?? 0) - (idle[name] ?? 0)]));
}

function reportOf(counted: readonly Counted[]): Awaited<ReturnType<Study>> {
  const toLine = ({ what, calls, byCommand }: Counted): string => {
    const commands = Object.entries(byCommand).filter(([, count]) => Math.abs(count) > calls * TOLERANCE);
    const list = commands.map(([name, count]) => `${name} ${(count / calls).toFixed(2)}`).join(', ');
    return `  ${what}: ${calls} calls${list === '' ? '' : `; per call ${list}`}`;
  };
  return {
    lines: ['Redis commands (MONITOR, less those of an idle time of the same length)', ...counted.map(toLine)],
    verdicts: counted.map(({ what, perCall, errors }) => {
      const most = what === 'forwarded' ? MAX_FORWARDED : 0;
      return {
        what: `${what}: round trips to Redis per call`,
        wanted: most === 0 ? 'none' : `at most ${most}`,
        measured: `${perCall.toFixed(2)}${errors > 0 ? `, ${errors} wrong answers` : ''}`,
        kept: perCall <= most + TOLERANCE && errors === 0,
      };
    }),
    figures: counted,
  };
}
