import cluster from 'node:cluster';
import type { Clock } from '#lib/time';
import { MetricsRelay, readMetricsMessage, toProcessMessage, type MeteredWorker } from './metrics-relay.js';
import { WorkerLauncher, type WorkerEvents, type WorkerProcess } from './worker-launcher.js';
import { GREETING_PRINTED, readWorkerReport } from './worker-report.js';

/**
 * Forks this program with `node:cluster`. All forks share one port, which the primary holds and whose connections it
 * distributes.
 */
export class NodeClusterLauncher extends WorkerLauncher {
  private readonly metrics: MetricsRelay;

  /** `variables` are added to the environment of each worker. */
  constructor(
    private readonly variables: Readonly<Record<string, string>>,
    clock: Clock,
  ) {
    super();
    this.metrics = new MetricsRelay(clock);
  }

  launch(events: WorkerEvents): WorkerProcess {
    const worker = cluster.fork(this.variables);
    const metered: MeteredWorker = {
      send: (message) => void (worker.isConnected() && worker.send(toProcessMessage(message))),
    };
    this.metrics.addWorker(metered);
    worker.on('message', (message: unknown) => {
      const report = readWorkerReport(message);
      if (report) events.onReport(report);
      const metrics = readMetricsMessage(message);
      if (metrics) void this.metrics.handle(metered, metrics);
    });
    // Sending to a worker that has just exited fails; its exit is reported anyway.
    worker.on('error', () => {});
    worker.process.once('exit', (code, signal) => {
      this.metrics.removeWorker(metered);
      events.onExit({ code, signal });
    });
    return {
      pid: worker.process.pid ?? 0,
      kill: (signal) => void worker.process.kill(signal),
      confirmGreeting: () => void (worker.isConnected() && worker.send(GREETING_PRINTED)),
    };
  }
}
