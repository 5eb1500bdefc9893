import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Order, OrderAnswer } from './orders.js';
import { CPU_ORDER, MEMORY_ORDER, type MemoryReport } from './probe-orders.js';

const STOP_DEADLINE_MS = 10_000;

/** Cores: the subject runs alone; the load generator and the upstream run on other cores. */
export const CORES = { subject: 1, load: 0, upstream: availableParallelism() > 2 ? 2 : 0 } as const;

/** False without `taskset` or with a single core; processes are then not pinned. */
export const canPin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

export interface Start {
  /** Absent for a process that is not pinned. */
  readonly core?: number;
  /** Compiled file: an absolute path, or a URL relative to this module. */
  readonly script: string | URL;
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Set when the script serves orders itself. Other processes load the probe for that. */
  readonly servesOrders?: boolean;
  /** File for the output. Without it only the first line of the output can be read. */
  readonly log?: string;
}

/** A Node process that is pinned to a core. */
export class PinnedProcess {
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;

  constructor(start: Start) {
    const { command, args } = commandOf(start);
    // The process writes the file itself. A reader of its output would need time of the cores that are measured.
    const log = start.log === undefined ? undefined : openSync(start.log, 'a');
    this.child = spawn(command, args, {
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', NODE_ENV: 'production', ...start.env },
      stdio: ['ignore', log ?? 'pipe', log ?? 'inherit', 'ipc'],
    });
    this.ended = once(this.child, 'exit');
    if (log !== undefined) closeSync(log);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** The port from the first line of the process's output. */
  async announcedPort(): Promise<number> {
    const { stdout } = this.child;
    if (stdout === null) throw new Error('The process has no output to read.');
    const line: unknown = await Promise.race([
      once(createInterface(stdout), 'line').then(([first]: unknown[]) => first),
      this.ended,
    ]);
    if (typeof line !== 'string') throw new Error('The process exited before it listened.');
    return (JSON.parse(line) as { port: number }).port;
  }

  /** CPU time of the whole process so far, in milliseconds. */
  async cpuMs(): Promise<number> {
    return (await this.order(CPU_ORDER)).cpuMs;
  }

  /** Memory after a forced garbage collection. */
  memory(): Promise<MemoryReport> {
    return this.order(MEMORY_ORDER);
  }

  /** Sends an order and waits for its report. One order at a time. */
  async order<Report>(order: Order<Report>): Promise<Report> {
    const answered = once(this.child, 'message').then(([answer]: unknown[]) => answer as OrderAnswer);
    this.child.send(order);
    const answer = await Promise.race([
      answered,
      this.ended.then(() => ({ failure: 'The process exited during an order.' })),
    ]);
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
