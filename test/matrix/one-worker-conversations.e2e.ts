import { describeCells } from './describe-cells.js';
import { CONVERSATIONS } from './features/index.js';
import { ONE_WORKER } from './workers.js';

describeCells(ONE_WORKER, CONVERSATIONS);
