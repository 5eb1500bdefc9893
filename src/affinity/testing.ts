export { BINDING, createCall, SERVER, WorkerCluster, type TestWorker } from './worker-cluster-fixture.js';
