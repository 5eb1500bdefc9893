import { Get, Header } from '@nestjs/common';
import { effectiveSettings, LoadedConfig, type EffectiveSetting } from '#lib/config';
import { RequireRoles } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { DescribeRoute } from './openapi/route-description.js';

/** What this worker was started with. */
@AdminController('settings')
export class SettingsController {
  constructor(private readonly loaded: LoadedConfig) {}

  /** Of the worker that answers; of secrets only that they are set. */
  @Get()
  @RequireRoles(['admin', 'auditor'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({ summary: 'The settings in force at the worker that answers, without secrets', response: 'Settings' })
  list(): { readonly items: readonly EffectiveSetting[] } {
    return { items: effectiveSettings(this.loaded) };
  }
}
