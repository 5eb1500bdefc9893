import { All } from '@nestjs/common';
import { NotThere } from './admin.errors.js';
import { Takes } from './admin-guard.js';
import { AdminController } from './admin-route.js';

/** Whatever else is asked for below `/admin/v1`. Strangers do not learn which routes there are. */
@AdminController('*')
export class UnknownRouteController {
  @All()
  @Takes(['admin', 'operator', 'auditor'])
  refuse(): never {
    throw new NotThere('This route');
  }
}
