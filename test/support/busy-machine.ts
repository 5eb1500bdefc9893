import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';

/** Processes that only compute. */
export interface BusyMachine {
  /** Ends exactly the processes that were started here. */
  rest(): Promise<void>;
}

/** Starts this number of busy loops per core. Resolves when all of them run. */
export async function loadMachine(loopsPerCore: number): Promise<BusyMachine> {
  const loops = Array.from({ length: loopsPerCore * availableParallelism() }, () => startLoop());
  await Promise.all(loops.map((loop) => once(loop, 'message')));
  return { rest: async () => void (await Promise.all(loops.map(endLoop))) };
}

function startLoop(): ChildProcess {
  // It also ends if the test process is killed: it regularly handles events, such as the end of the channel.
  const script = `
    process.send('busy');
    process.on('disconnect', () => process.exit());
    const work = () => {
      for (const until = Date.now() + 200; Date.now() < until; );
      setImmediate(work);
    };
    work();
  `;
  return spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

async function endLoop(loop: ChildProcess): Promise<void> {
  const ended = once(loop, 'exit');
  loop.kill('SIGKILL');
  await ended;
}
