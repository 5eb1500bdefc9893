import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { GatewayConfig } from '../gateway.config.js';
import { servePage } from './serve-page.js';

/** Serves the files of the admin page, which the build has made. */
@Injectable()
export class PageRoutes implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly gateway: GatewayConfig,
  ) {}

  async onModuleInit(): Promise<void> {
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    const isHttps = this.gateway.publicUrl?.toLowerCase().startsWith('https:') ?? false;
    const folder = join(findPackageFolder(import.meta.dirname), 'dist', 'ui');
    await server.register(async (scope) => servePage(scope, { folder, isHttps }), { prefix: '/admin/ui' });
  }
}

/** The sources and the build are not equally deep. */
function findPackageFolder(folder: string): string {
  const parent = dirname(folder);
  return existsSync(join(folder, 'package.json')) || parent === folder ? folder : findPackageFolder(parent);
}
