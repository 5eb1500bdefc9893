import { Get } from '@nestjs/common';
import { ServerRegistry } from '../../registry/index.js';
import { ServerChecks } from '../../server-checks/index.js';
import { RequireRoles } from '../admin-guard.js';
import { AdminController } from '../admin-route.js';
import { Inspection } from '../inspection/inspection.js';
import { DescribeRoute } from '../openapi/route-description.js';
import { toServersHealthResponse, type ServersHealthResponse } from './health-response.js';

/** The health of all servers at once. */
@AdminController('health')
export class HealthController {
  constructor(
    private readonly inspection: Inspection,
    private readonly registry: ServerRegistry,
    private readonly checks: ServerChecks,
  ) {}

  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({
    summary: 'Show the health of all servers: by the health checks, and by their last calls at each worker',
    response: 'ServersHealth',
  })
  async list(): Promise<ServersHealthResponse> {
    const [views, states] = await Promise.all([this.inspection.allHealth(), this.checks.findAll()]);
    return toServersHealthResponse(this.registry.snapshot.servers, views, states);
  }
}
