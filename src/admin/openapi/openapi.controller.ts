import { Get, Header } from '@nestjs/common';
import { GatewayConfig } from '../../gateway.config.js';
import { KnownChecks, ServerKinds } from '../../registry/index.js';
import { RequireRoles } from '../admin-guard.js';
import { AdminController } from '../admin-route.js';
import { AdminRoutes } from './admin-routes.js';
import { guardrailOptionSchemas } from './check-options.js';
import { DescribeRoute } from './route-description.js';
import { openApiDocument } from './openapi-document.js';

/** Serves the OpenAPI document of the admin API. */
@AdminController('openapi.json')
export class OpenApiController {
  private document: object | undefined;

  constructor(
    private readonly routes: AdminRoutes,
    private readonly gateway: GatewayConfig,
    private readonly checks: KnownChecks,
    private readonly kinds: ServerKinds,
  ) {}

  @Get()
  @RequireRoles(['admin', 'operator', 'auditor', 'user'])
  @DescribeRoute({ summary: 'Get the OpenAPI document of the admin API', response: 'OpenApiDocument' })
  @Header('cache-control', 'private, no-cache')
  find(): object {
    this.document ??= openApiDocument(
      this.routes.list(),
      guardrailOptionSchemas(this.checks),
      this.gateway.publicPath,
      this.kinds.contributed,
    );
    return this.document;
  }
}
