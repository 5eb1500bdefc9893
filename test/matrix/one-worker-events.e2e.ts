import { describeCells } from './describe-cells.js';
import { EVENTS } from './features/index.js';
import { ONE_WORKER } from './workers.js';

describeCells(ONE_WORKER, EVENTS);
