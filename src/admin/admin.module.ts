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
import { EventsModule } from '../events/index.js';
import { DatabaseModule } from '../database/index.js';
import { DeferredBodyParsing } from './deferred-body-parsing.js';
import { GuardrailsModule } from '../guardrails/index.js';
import { UpstreamModule } from '../upstream/index.js';
import { ClientAddressModule } from '../client-address/index.js';
import { PageSessionsModule } from '../page-sessions/index.js';
import { TelemetryModule } from '../telemetry/index.js';
import { UsageModule } from '../usage/index.js';
import { AuditModule } from '../audit/index.js';
import { AdminAdmission } from './admin-admission.js';
import { AdminPermissions } from './admin-permissions.js';
import { AdminRoutes } from './openapi/admin-routes.js';
import { DocsPageController } from './openapi/docs-page.controller.js';
import { OpenApiController } from './openapi/openapi.controller.js';
import { OpenApiImportController } from './openapi-import/openapi-import.controller.js';
import { ServerJsonImportController } from './server-json-import/server-json-import.controller.js';
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
import { CallCounts } from './live/call-counts.js';
import { LiveController } from './live/live.controller.js';
import { LiveFiguresReader } from './live/live-figures.js';
import { LiveStreams } from './live/live-streams.js';
import { IdempotencyStore } from './idempotency/idempotency-store.js';
import { ExpiringCredentialsController } from './expiring-credentials.controller.js';
import { ParkedCallsController } from './parked-calls.controller.js';
import { AssumedCallers } from './assumed-caller.js';
import { CallGates } from './call-gates.js';
import { VisibleItems } from './visible-items.js';
import { PolicyController } from './policy.controller.js';
import { GuardrailChecksController } from './guardrail-checks.controller.js';
import { GuardrailDecisionsController } from './guardrail-decisions.controller.js';
import { GuardrailsController } from './registry/guardrails.controller.js';
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
import { AlertsModule } from '../alerts/index.js';
import { ApprovalsModule } from '../approvals/index.js';
import { AlertsController } from './alerts.controller.js';
import { ApprovalsController } from './approvals.controller.js';
import { ServerChecksModule } from '../server-checks/index.js';
import { SessionPoolModule } from '../session-pool/index.js';
import { WorkersModule } from '../workers/index.js';
import { TokensModule } from '../tokens/index.js';
import { SubjectsController } from './subjects.controller.js';
import { TokensController } from './tokens.controller.js';
import { UnknownRouteController } from './unknown-route.controller.js';
import { UpstreamSessionsController } from './upstream-sessions.controller.js';
import { UsageController } from './usage.controller.js';
import { WorkersController } from './workers.controller.js';

@Module({
  imports: [
    DiscoveryModule,
    DataFolderModule,
    DatabaseModule,
    EventsModule,
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
    AlertsModule,
    ApprovalsModule,
    ServerChecksModule,
    UsageModule,
    GuardrailsModule,
    PageSessionsModule,
    TelemetryModule,
  ],
  controllers: [
    AlertsController,
    ApprovalsController,
    AuditLogController,
    DocsPageController,
    ExpiringCredentialsController,
    ExportController,
    ImportController,
    OpenApiController,
    OpenApiImportController,
    ServerJsonImportController,
    ParkedCallsController,
    GuardrailChecksController,
    GuardrailDecisionsController,
    GuardrailsController,
    LimitsController,
    PoliciesController,
    PolicyController,
    SecretsController,
    ServersController,
    SessionsController,
    HealthController,
    LiveController,
    SettingsController,
    SubjectsController,
    TeamsController,
    TokensController,
    PromptsController,
    ResourcesController,
    ResourceTemplatesController,
    ToolsController,
    UpstreamSessionsController,
    UsageController,
    VirtualServersController,
    WorkersController,
    InspectionInboxController,
    // Last, because it matches every route that no other controller matches.
    UnknownRouteController,
  ],
  providers: [
    configProvider(GatewayConfig),
    AdminAdmission,
    AdminPermissions,
    AdminRoutes,
    CallCounts,
    AssumedCallers,
    CallGates,
    VisibleItems,
    DeferredBodyParsing,
    AuditInterceptor,
    IdempotencyStore,
    Inspection,
    LiveFiguresReader,
    LiveStreams,
    ItemDiscovery,
    ImportExport,
    ExportedCredentials,
    ExportedItems,
  ],
  exports: [AdminPermissions],
})
export class AdminModule {}
