import { EndpointDirectory } from '../../catalog/index.js';
import { Items } from '../../items/index.js';
import { AdminController } from '../admin-route.js';
import { ItemsController } from './items.controller.js';

/** The prompts of all servers. */
@AdminController('prompts')
export class PromptsController extends ItemsController {
  constructor(items: Items, endpoints: EndpointDirectory) {
    super(items, 'prompts', endpoints);
  }
}
