import { Items } from '../../items/index.js';
import { AdminController } from '../admin-route.js';
import { ItemsController } from './items.controller.js';

/** The prompts of all servers. */
@AdminController('prompts')
export class PromptsController extends ItemsController {
  constructor(items: Items) {
    super(items, 'prompts');
  }
}
