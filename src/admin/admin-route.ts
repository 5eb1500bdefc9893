import {
  applyDecorators,
  Controller,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { AdminGuard } from './admin-guard.js';
import { AuditInterceptor } from './audit.interceptor.js';
import { IdempotencyInterceptor } from './idempotency/idempotency.interceptor.js';
import { JsonBodyPipe } from './json-body.pipe.js';
import { ProblemFilter } from './problem-filter.js';

/** Reports every fault of a request at once. Unknown members are faults. */
const VALIDATION = new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true });

/** A controller below `/admin/v1` with role checks, audit records, idempotency, validation and problem documents. */
export function AdminController(path: string): ClassDecorator {
  return applyDecorators(
    Controller(`admin/v1/${path}`),
    UseGuards(AdminGuard),
    UseInterceptors(AuditInterceptor, IdempotencyInterceptor),
    UsePipes(JsonBodyPipe, VALIDATION),
    UseFilters(ProblemFilter),
  );
}
