export { ClusterFault } from './cluster.errors.js';
export { NodeClusterLauncher } from './node-cluster-launcher.js';
export { connectToRelay, type RelayConnection } from './relay-connection.js';
export { WorkerSupervisor } from './worker-supervisor.js';
export { sendWorkerReport, waitForGreeting } from './worker-report.js';
