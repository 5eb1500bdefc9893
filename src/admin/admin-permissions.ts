import { Injectable } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import { AdminAdmission } from './admin-admission.js';
import { AdminRoutes } from './openapi/admin-routes.js';

const API = '/admin/v1';

/** What callers may do over the admin API. */
@Injectable()
export class AdminPermissions {
  constructor(
    private readonly routes: AdminRoutes,
    private readonly admission: AdminAdmission,
  ) {}

  /**
   * Returns the operations that the guard of the admin API lets this caller use, as method and path below `/admin/v1`:
   * `POST /servers/{slug}/enable`.
   */
  of(caller: Caller): readonly string[] {
    const admitted = this.routes.list().filter(({ roles }) => this.admission.isAdmitted(caller, roles));
    return admitted.map(({ verb, documentedPath }) => `${verb.toUpperCase()} ${documentedPath.replace(API, '')}`);
  }
}
