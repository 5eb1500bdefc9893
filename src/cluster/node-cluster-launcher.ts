import cluster from 'node:cluster';
import { WorkerLauncher, type WorkerEvents, type WorkerProcess } from './worker-launcher.js';
import { GREETING_PRINTED, readWorkerReport } from './worker-report.js';

/**
 * Forks this program with `node:cluster`. All forks share one port, which the primary holds and whose connections it
 * distributes.
 */
export class NodeClusterLauncher extends WorkerLauncher {
  /** `variables` are added to the environment of each worker. */
  constructor(private readonly variables: Readonly<Record<string, string>>) {
    super();
  }

  launch(events: WorkerEvents): WorkerProcess {
    const worker = cluster.fork(this.variables);
    worker.on('message', (message: unknown) => {
      const report = readWorkerReport(message);
      if (report) events.onReport(report);
    });
    // Sending to a worker that has just exited fails; its exit is reported anyway.
    worker.on('error', () => {});
    worker.process.once('exit', (code, signal) => events.onExit({ code, signal }));
    return {
      pid: worker.process.pid ?? 0,
      kill: (signal) => void worker.process.kill(signal),
      confirmGreeting: () => void (worker.isConnected() && worker.send(GREETING_PRINTED)),
    };
  }
}
