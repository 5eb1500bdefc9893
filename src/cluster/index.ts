export { ClusterFault } from './cluster.errors.js';
export { NodeClusterLauncher } from './node-cluster-launcher.js';
export { WorkerSupervisor } from './worker-supervisor.js';
export { WorkerLauncher, type WorkerExit, type WorkerEvents, type WorkerProcess } from './worker-launcher.js';
export { sendWorkerReport, type WorkerReport } from './worker-report.js';
