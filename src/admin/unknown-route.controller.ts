import { All } from '@nestjs/common';
import { NotThere } from './admin.errors.js';
import { Takes } from './admin-guard.js';
import { AdminController } from './admin-route.js';

/** Answers unknown routes below `/admin/v1`. It requires a role, so that unauthenticated clients cannot enumerate routes. */
@AdminController('*')
export class UnknownRouteController {
  @All()
  @Takes(['admin', 'operator', 'auditor'])
  refuse(): never {
    throw new NotThere('This route');
  }
}
