import { Get, Header, type Type } from '@nestjs/common';
import { PATH_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService } from '@nestjs/core';
import { GatewayConfig } from '../../gateway.config.js';
import { RequireRoles } from '../admin-guard.js';
import { AdminController } from '../admin-route.js';
import { DescribeRoute } from './route-description.js';
import { openApiDocument } from './openapi-document.js';

const IS_ADMIN_PATH = /^admin\/v1\/[a-z]/;

/** Serves the OpenAPI document of the admin API. */
@AdminController('openapi.json')
export class OpenApiController {
  private document: object | undefined;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly gateway: GatewayConfig,
  ) {}

  @Get()
  @RequireRoles(['admin', 'operator', 'auditor', 'user'])
  @DescribeRoute({ summary: 'Get the OpenAPI document of the admin API', response: 'OpenApiDocument' })
  @Header('cache-control', 'no-cache')
  find(): object {
    this.document ??= openApiDocument(this.controllers(), this.gateway.publicPath);
    return this.document;
  }

  /** Includes admin controllers of other modules. */
  private controllers(): Type[] {
    const all = this.discovery.getControllers().flatMap(({ metatype }) => (metatype ? [metatype as Type] : []));
    return [...new Set(all)].filter((type) => IS_ADMIN_PATH.test(String(Reflect.getMetadata(PATH_METADATA, type))));
  }
}
