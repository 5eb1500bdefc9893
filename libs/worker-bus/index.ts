export { WorkerBus, type BusContext, type BusEnd, type BusExchange, type BusOrder, type BusService } from './bus.js';
