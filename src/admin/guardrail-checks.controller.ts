import { Get } from '@nestjs/common';
import { KnownChecks } from '../registry/index.js';
import { RequireRoles } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { optionsSchemaOf } from './openapi/check-options.js';
import { DescribeRoute } from './openapi/route-description.js';

interface CheckResponse {
  readonly name: string;
  readonly phases: readonly string[];
  /** JSON Schema of `options` in a guardrail. */
  readonly options: object;
}

/** The checks that guardrails may name: those of the gateway and of its extensions. */
@AdminController('guardrail-checks')
export class GuardrailChecksController {
  constructor(private readonly checks: KnownChecks) {}

  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({
    summary: 'List the checks that guardrails may name, with their options',
    response: 'GuardrailChecks',
  })
  list(): { readonly items: readonly CheckResponse[] } {
    const items = this.checks.list().map((check) => ({
      name: check.name,
      phases: check.phases,
      options: optionsSchemaOf(check),
    }));
    return { items };
  }
}
