export { ClusterFault } from './cluster.errors.js';
export { NodeClusterLauncher } from './node-cluster-launcher.js';
export { WorkerCrew } from './worker-crew.js';
export { WorkerLauncher, type WorkerEnd, type WorkerEvents, type WorkerProcess } from './worker-launcher.js';
export { sendWorkerReport, type WorkerReport } from './worker-report.js';
