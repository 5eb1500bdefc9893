import { Module } from '@nestjs/common';
import { RegistryModule } from '../../registry/index.js';
import { ApprovalCheck } from './approval/index.js';
import { DenyCheck } from './deny/index.js';
import { InjectionCheck } from './injection/index.js';
import { PersonalDataCheck } from './personal-data/index.js';
import { SchemaCheck } from './schema/index.js';
import { SecretsCheck } from './secrets/index.js';
import { SizeCheck } from './size/index.js';
import { WebhookCheck } from './webhook/index.js';

/** Contributes the checks of the gateway itself, as an extension contributes its own. */
@Module({
  // Which addresses a webhook may have.
  imports: [RegistryModule],
  providers: [
    ApprovalCheck,
    DenyCheck,
    InjectionCheck,
    PersonalDataCheck,
    SchemaCheck,
    SecretsCheck,
    SizeCheck,
    WebhookCheck,
  ],
})
export class BuiltInChecksModule {}
