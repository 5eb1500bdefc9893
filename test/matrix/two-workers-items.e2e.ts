import { describeCells } from './describe-cells.js';
import { ITEMS } from './features/index.js';
import { TWO_WORKERS } from './workers.js';

describeCells(TWO_WORKERS, ITEMS);
