import { All } from '@nestjs/common';
import { ResourceNotFound } from './admin.errors.js';
import { RequireRoles } from './admin-guard.js';
import { AdminController } from './admin-route.js';

/** Whatever else is asked for below `/admin/v1`. Strangers do not learn which routes there are. */
@AdminController('*')
export class UnknownRouteController {
  @All()
  @RequireRoles(['admin', 'operator', 'auditor'])
  refuse(): never {
    throw new ResourceNotFound('This route');
  }
}
