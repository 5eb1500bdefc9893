import { describeCells } from './describe-cells.js';
import { CONVERSATIONS } from './features/index.js';
import { TWO_WORKERS } from './workers.js';

describeCells(TWO_WORKERS, CONVERSATIONS);
