import { describeCells } from './describe-cells.js';
import { EVENTS } from './features/index.js';
import { TWO_WORKERS } from './workers.js';

describeCells(TWO_WORKERS, EVENTS);
