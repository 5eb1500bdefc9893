import { All } from '@nestjs/common';
import { ResourceNotFound } from './admin.errors.js';
import { RequireRoles } from './admin-guard.js';
import { AdminController } from './admin-route.js';

/** Answers unknown routes below `/admin/v1`. It requires a role, so that unauthenticated clients cannot enumerate routes. */
@AdminController('*')
export class UnknownRouteController {
  @All()
  @RequireRoles(['admin', 'operator', 'auditor'])
  refuse(): never {
    throw new ResourceNotFound('This route');
  }
}
