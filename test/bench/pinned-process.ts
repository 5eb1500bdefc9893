import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { availableParallelism } from 'node:os';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Order, OrderAnswer } from './orders.js';
import { CPU_ORDER, MEMORY_ORDER, type MemoryReport } from './probe-orders.js';

const STOP_DEADLINE_MS = 10_000;

/** Where a process runs: the subject alone, whatever drives and serves it elsewhere. */
export const CORES = { subject: 1, load: 0, upstream: availableParallelism() > 2 ? 2 : 0 } as const;

/** Without `taskset`, or with a single core, processes run where the system puts them. */
export const canPin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

export interface Start {
  /** Absent: wherever the system puts it. */
  readonly core?: number;
  /** Compiled file, absolute or beside this one. */
  readonly script: string | URL;
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Answers orders by itself; every other process is given the probe that does. */
  readonly servesOrders?: boolean;
  /** File for what it writes; else the first line can be read and the rest is dropped. */
  readonly log?: string;
}

/** A Node process on a core of its own. */
export class PinnedProcess {
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;

  constructor(start: Start) {
    const { command, args } = commandOf(start);
    this.child = spawn(command, args, {
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', NODE_ENV: 'production', ...start.env },
      stdio: ['ignore', 'pipe', start.log === undefined ? 'inherit' : 'pipe', 'ipc'],
    });
    this.ended = once(this.child, 'exit');
    if (start.log !== undefined) {
      const log = createWriteStream(start.log, { flags: 'a' });
      this.child.stdout?.pipe(log, { end: false });
      this.child.stderr?.pipe(log, { end: false });
    }
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** The port that the process announced as its first line of output. */
  async announcedPort(): Promise<number> {
    const { stdout } = this.child;
    if (stdout === null) throw new Error('The process has no output to read.');
    const line: unknown = await Promise.race([
      once(createInterface(stdout), 'line').then(([first]: unknown[]) => first),
      this.ended,
    ]);
    if (typeof line !== 'string') throw new Error('A process ended before it listened.');
    return (JSON.parse(line) as { port: number }).port;
  }

  /** CPU time of the whole process so far, in milliseconds. */
  async cpuMs(): Promise<number> {
    return (await this.order(CPU_ORDER)).cpuMs;
  }

  /** After a forced garbage collection. */
  memory(): Promise<MemoryReport> {
    return this.order(MEMORY_ORDER);
  }

  /** Has an order carried out. One at a time. */
  async order<Report>(order: Order<Report>): Promise<Report> {
    const answered = once(this.child, 'message').then(([answer]: unknown[]) => answer as OrderAnswer);
    this.child.send(order);
    const answer = await Promise.race([answered, this.ended.then(() => ({ failure: 'A process ended while asked.' }))]);
    if ('failure' in answer) throw new Error(answer.failure);
    return answer.report as Report;
  }

  async stop(): Promise<void> {
    if (!this.running) return;
    const deadline = setTimeout(() => this.child.kill('SIGKILL'), STOP_DEADLINE_MS);
    this.child.kill('SIGTERM');
    await this.ended;
    clearTimeout(deadline);
  }
}

function commandOf({ core, script, args = [], nodeArgs: more = [], servesOrders = false }: Start): {
  command: string;
  args: string[];
} {
  const probe = servesOrders ? [] : ['--import', new URL('./probe.js', import.meta.url).href];
  const file = script instanceof URL ? fileURLToPath(script) : script;
  const nodeArgs = ['--expose-gc', ...more, ...probe, file, ...args];
  if (!canPin || core === undefined) return { command: process.execPath, args: nodeArgs };
  return { command: 'taskset', args: ['-c', String(core), process.execPath, ...nodeArgs] };
}
