import { ASKING_EXTENSION } from './asking-extension.js';
import { describeCells } from './describe-cells.js';
import { EXTENDED } from './features/index.js';
import { TWO_WORKERS } from './workers.js';

describeCells(TWO_WORKERS, EXTENDED, ASKING_EXTENSION);
