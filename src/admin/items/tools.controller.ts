import { EndpointDirectory } from '../../catalog/index.js';
import { Items } from '../../items/index.js';
import { AdminController } from '../admin-route.js';
import { ItemsController } from './items.controller.js';

/** The tools of all servers. */
@AdminController('tools')
export class ToolsController extends ItemsController {
  constructor(items: Items, endpoints: EndpointDirectory) {
    super(items, 'tools', endpoints);
  }
}
