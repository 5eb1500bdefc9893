import { Injectable, type Type } from '@nestjs/common';
import { PATH_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService } from '@nestjs/core';
import { listRoutes, type AdminRoute } from './routes.js';

const IS_ADMIN_PATH = /^admin\/v1\/[a-z]/;

/** The routes of the admin API for callers with a role. */
@Injectable()
export class AdminRoutes {
  private routes: readonly AdminRoute[] | undefined;

  constructor(private readonly discovery: DiscoveryService) {}

  /** Includes the routes of admin controllers of other modules. */
  list(): readonly AdminRoute[] {
    this.routes ??= listRoutes(this.controllers()).filter(({ roles }) => roles.length > 0);
    return this.routes;
  }

  private controllers(): Type[] {
    const all = this.discovery.getControllers().flatMap(({ metatype }) => (metatype ? [metatype as Type] : []));
    return [...new Set(all)].filter((type) => IS_ADMIN_PATH.test(String(Reflect.getMetadata(PATH_METADATA, type))));
  }
}
