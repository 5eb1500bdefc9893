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

/** What is sent is judged whole: every fault is named, and what nobody knows is one. */
const VALIDATION = new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true });

/** A controller below `/admin/v1`: roles are demanded, what is changed is told, input is judged, failures are problem documents. */
export function AdminController(path: string): ClassDecorator {
  return applyDecorators(
    Controller(`admin/v1/${path}`),
    UseGuards(AdminGuard),
    UseInterceptors(AuditInterceptor, IdempotencyInterceptor),
    UsePipes(JsonBodyPipe, VALIDATION),
    UseFilters(ProblemFilter),
  );
}
