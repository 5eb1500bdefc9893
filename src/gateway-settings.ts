import type { ConfigClass } from '#lib/config';
import { RedisConfig } from '#lib/redis';
import { AlertsConfig } from './alerts/index.js';
import { ApprovalsConfig } from './approvals/index.js';
import { AuditConfig } from './audit/index.js';
import { AuthConfig } from './auth/index.js';
import { CatalogConfig } from './catalog/index.js';
import { ClientAddressConfig } from './client-address/index.js';
import { DataFolderConfig } from './data-folder/index.js';
import { DatabaseConfig } from './database/index.js';
import { DispatchConfig } from './dispatch/index.js';
import { ExtensionsConfig } from './extensions/index.js';
import { GatewayConfig } from './gateway.config.js';
import { LifecycleConfig } from './lifecycle/index.js';
import { MetricsConfig } from './metrics/index.js';
import { LoggingConfig } from './logging/index.js';
import { RegistryConfig } from './registry/index.js';
import { OpenIdConfig } from './page-sessions/index.js';
import { CallsConfig } from './calls/index.js';
import { ConnectionsConfig } from './connections/index.js';
import { ServerChecksConfig } from './server-checks/index.js';
import { SessionPoolConfig } from './session-pool/index.js';
import { OriginConfig, TransportConfig } from './transport/index.js';
import { TelemetryConfig } from './telemetry/index.js';
import { TokensConfig } from './tokens/index.js';
import { UsageConfig } from './usage/index.js';
import { UpstreamConfig } from './upstream/index.js';

/** Every config class of the gateway. A variable that none of them declares is rejected as unknown. */
export const GATEWAY_SETTINGS = [
  GatewayConfig,
  ExtensionsConfig,
  LifecycleConfig,
  DataFolderConfig,
  LoggingConfig,
  MetricsConfig,
  TelemetryConfig,
  RegistryConfig,
  DatabaseConfig,
  AuditConfig,
  UsageConfig,
  AuthConfig,
  OpenIdConfig,
  ClientAddressConfig,
  TokensConfig,
  OriginConfig,
  TransportConfig,
  DispatchConfig,
  CatalogConfig,
  CallsConfig,
  ConnectionsConfig,
  SessionPoolConfig,
  ApprovalsConfig,
  UpstreamConfig,
  ServerChecksConfig,
  AlertsConfig,
  RedisConfig,
] as const satisfies readonly ConfigClass[];
