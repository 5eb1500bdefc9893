import { Items } from '../../items/index.js';
import { AdminController } from '../admin-route.js';
import { ItemsController } from './items.controller.js';

/** The tools of all servers. */
@AdminController('tools')
export class ToolsController extends ItemsController {
  constructor(items: Items) {
    super(items, 'tools');
  }
}
