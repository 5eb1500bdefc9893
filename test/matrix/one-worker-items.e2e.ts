import { describeCells } from './describe-cells.js';
import { ITEMS } from './features/index.js';
import { ONE_WORKER } from './workers.js';

describeCells(ONE_WORKER, ITEMS);
