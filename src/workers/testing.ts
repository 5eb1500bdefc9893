export { BusWorkerRegistry } from './bus-worker-registry.js';
export { SingleWorkerRegistry } from './single-worker-registry.js';
