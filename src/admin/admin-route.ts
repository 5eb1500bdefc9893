import { applyDecorators, Controller, UseFilters, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import { AdminGuard } from './admin-guard.js';
import { AuditInterceptor } from './audit.interceptor.js';
import { IdempotencyInterceptor } from './idempotency/idempotency.interceptor.js';
import { JsonBodyPipe } from './json-body.pipe.js';
import { ProblemFilter } from './problem-filter.js';
import { createValidation } from './request-validation.js';

const VALIDATION = createValidation();

/** A controller below `/admin/v1` with role checks, audit records, idempotency, validation and problem documents. */
export function AdminController(path: string): ClassDecorator {
  return applyDecorators(
    Controller(`admin/v1/${path}`),
    UseGuards(AdminGuard),
    UseInterceptors(AuditInterceptor, IdempotencyInterceptor),
    UsePipes(new JsonBodyPipe(), VALIDATION),
    UseFilters(ProblemFilter),
  );
}
