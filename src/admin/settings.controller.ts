import { Get } from '@nestjs/common';
import { effectiveSettings, LoadedConfig, type EffectiveSetting } from '#lib/config';
import { RequireRoles } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { DescribeRoute } from './openapi/route-description.js';

/** The settings with which this worker was started. */
@AdminController('settings')
export class SettingsController {
  constructor(private readonly loaded: LoadedConfig) {}

  /** The values of secrets are masked. */
  @Get()
  @RequireRoles(['admin', 'auditor'])
  @DescribeRoute({
    summary: 'List the settings of the worker that handles the request, without secrets',
    response: 'Settings',
  })
  list(): { readonly items: readonly EffectiveSetting[] } {
    return { items: effectiveSettings(this.loaded) };
  }
}
