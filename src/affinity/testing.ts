export { BINDING, WorkerCluster, type TestWorker } from './worker-cluster-fixture.js';
