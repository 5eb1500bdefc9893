import { EndpointDirectory } from '../../catalog/index.js';
import { Items } from '../../items/index.js';
import { AdminController } from '../admin-route.js';
import { ItemsController } from './items.controller.js';

/** The resources of all servers, by their URIs. */
@AdminController('resources')
export class ResourcesController extends ItemsController {
  constructor(items: Items, endpoints: EndpointDirectory) {
    super(items, 'resources', endpoints);
  }
}
