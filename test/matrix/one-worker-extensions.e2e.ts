import { ASKING_EXTENSION } from './asking-extension.js';
import { describeCells } from './describe-cells.js';
import { EXTENDED } from './features/index.js';
import { ONE_WORKER } from './workers.js';

describeCells(ONE_WORKER, EXTENDED, ASKING_EXTENSION);
