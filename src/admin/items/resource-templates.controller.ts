import { EndpointDirectory } from '../../catalog/index.js';
import { Items } from '../../items/index.js';
import { AdminController } from '../admin-route.js';
import { ItemsController } from './items.controller.js';

/** The resource templates of all servers, by their URI templates. */
@AdminController('resource-templates')
export class ResourceTemplatesController extends ItemsController {
  constructor(items: Items, endpoints: EndpointDirectory) {
    super(items, 'resourceTemplates', endpoints);
  }
}
