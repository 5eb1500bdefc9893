export { GateModule } from './gate.module.js';
export { ItemGate, type ItemRefusal, type ServerItemUse } from './item-gate.js';
export { readItemReference, type ItemReference } from './item-reference.js';
