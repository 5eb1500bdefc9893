import { Module } from '@nestjs/common';
import {
  AccessPolicy,
  PlacementStrategy,
  SecretStore,
  TokenVerifier,
  UpstreamCredentials,
} from 'isthmus/extension-kit';
import { AccountCheck } from './account-check.js';
import { AcmeAccessPolicy } from './acme-access-policy.js';
import { BadgeVerifier } from './badge-verifier.js';
import { EmployeeCredentials } from './employee-credentials.js';
import { GrpcAdapter } from './grpc-adapter.js';
import { PaymentTracer } from './payment-tracer.js';
import { PreviewFilter } from './preview-filter.js';
import { SealedSecrets } from './sealed-secrets.js';
import { SealingKeys } from './sealing-keys.js';
import { Spending, SpendingHandler } from './spending.js';
import { TeamPlacement } from './team-placement.js';

/** Everything that Acme adds to the gateway. A strategy must be exported, so that the gateway uses it. */
@Module({
  providers: [
    { provide: AccessPolicy, useClass: AcmeAccessPolicy },
    { provide: TokenVerifier, useClass: BadgeVerifier },
    { provide: UpstreamCredentials, useClass: EmployeeCredentials },
    { provide: PlacementStrategy, useClass: TeamPlacement },
    { provide: SecretStore, useClass: SealedSecrets },
    { provide: SealingKeys, useFactory: () => SealingKeys.read(process.env['ACME_SEALING_KEYS']) },
    GrpcAdapter,
    AccountCheck,
    PaymentTracer,
    PreviewFilter,
    Spending,
    SpendingHandler,
  ],
  exports: [AccessPolicy, TokenVerifier, UpstreamCredentials, PlacementStrategy, SecretStore],
})
export class AcmeModule {}

/** For the stock gateway: `ISTHMUS_EXTENSIONS=./dist/src/acme.module.js`. */
export default AcmeModule;
