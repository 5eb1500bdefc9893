import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { configProvider } from '#lib/config';
import { GatewayConfig } from '../gateway.config.js';
import { CallsModule } from '../calls/index.js';
import { ConnectionsModule } from '../connections/index.js';
import { LifecycleModule } from '../lifecycle/index.js';
import { RegistryModule } from '../registry/index.js';
import { AuthModule } from '../auth/index.js';
import { MembershipsModule } from '../memberships/index.js';
import { DataFolderModule } from '../data-folder/index.js';
import { DatabaseModule } from '../database/index.js';
import { DeferredBodyParsing } from './deferred-body-parsing.js';
import { UpstreamModule } from '../upstream/index.js';
import { ClientAddressModule } from '../client-address/index.js';
import { AuditModule } from '../audit/index.js';
import { DocsPageController } from './openapi/docs-page.controller.js';
import { OpenApiController } from './openapi/openapi.controller.js';
import { OpenApiImportController } from './openapi-import/openapi-import.controller.js';
import { AuditLogController } from './audit-log.controller.js';
import { AuditInterceptor } from './audit.interceptor.js';
import { PolicyModule } from '../policy/index.js';
import { ExportController, ImportController } from './import-export/import-export.controller.js';
import { Inspection } from './inspection/inspection.js';
import { InspectionInboxController } from './inspection/inspection-inbox.controller.js';
import { ItemDiscovery } from './registry/item-discovery.js';
import { ImportExport } from './import-export/import-export.js';
import { ExportedItems } from './import-export/exported-items.js';
import { ExportedCredentials } from './import-export/exported-credentials.js';
import { HealthController } from './registry/health.controller.js';
import { SettingsController } from './settings.controller.js';
import { IdempotencyStore } from './idempotency/idempotency-store.js';
import { ParkedCallsController } from './parked-calls.controller.js';
import { CallGates } from './call-gates.js';
import { PolicyController } from './policy.controller.js';
import { LimitsController } from './registry/limits.controller.js';
import { PoliciesController } from './registry/policies.controller.js';
import { SecretsController } from './registry/secrets.controller.js';
import { ServersController } from './registry/servers.controller.js';
import { TeamsController } from './registry/teams.controller.js';
import { VirtualServersController } from './registry/virtual-servers.controller.js';
import { SessionsController } from './sessions.controller.js';
import { CatalogModule } from '../catalog/index.js';
import { GateModule } from '../gate/index.js';
import { ItemsModule } from '../items/index.js';
import { PromptsController } from './items/prompts.controller.js';
import { ResourceTemplatesController } from './items/resource-templates.controller.js';
import { ResourcesController } from './items/resources.controller.js';
import { ToolsController } from './items/tools.controller.js';
import { SessionPoolModule } from '../session-pool/index.js';
import { WorkersModule } from '../workers/index.js';
import { TokensModule } from '../tokens/index.js';
import { SubjectsController } from './subjects.controller.js';
import { TokensController } from './tokens.controller.js';
import { UnknownRouteController } from './unknown-route.controller.js';
import { UpstreamSessionsController } from './upstream-sessions.controller.js';
import { WorkersController } from './workers.controller.js';

@Module({
  imports: [
    DiscoveryModule,
    DataFolderModule,
    DatabaseModule,
    AuthModule,
    MembershipsModule,
    CallsModule,
    ConnectionsModule,
    LifecycleModule,
    SessionPoolModule,
    WorkersModule,
    PolicyModule,
    CatalogModule,
    GateModule,
    RegistryModule,
    TokensModule,
    ItemsModule,
    UpstreamModule,
    AuditModule,
    ClientAddressModule,
  ],
  controllers: [
    AuditLogController,
    DocsPageController,
    ExportController,
    ImportController,
    OpenApiController,
    OpenApiImportController,
    ParkedCallsController,
    LimitsController,
    PoliciesController,
    PolicyController,
    SecretsController,
    ServersController,
    SessionsController,
    HealthController,
    SettingsController,
    SubjectsController,
    TeamsController,
    TokensController,
    PromptsController,
    ResourcesController,
    ResourceTemplatesController,
    ToolsController,
    UpstreamSessionsController,
    VirtualServersController,
    WorkersController,
    InspectionInboxController,
    // Last, because it matches every route that no other controller matches.
    UnknownRouteController,
  ],
  providers: [
    configProvider(GatewayConfig),
    CallGates,
    DeferredBodyParsing,
    AuditInterceptor,
    IdempotencyStore,
    Inspection,
    ItemDiscovery,
    ImportExport,
    ExportedCredentials,
    ExportedItems,
  ],
})
export class AdminModule {}
