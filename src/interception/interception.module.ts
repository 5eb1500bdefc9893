import { Module, type OnModuleInit } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { CALL_INTERCEPTORS } from '#lib/extension-kit';
import { ApprovalsModule } from '../approvals/index.js';
import { CallsModule, DeferredInterception } from '../calls/index.js';
import { DispatchModule } from '../dispatch/index.js';
import { Contributions, ExtensionsConfig } from '../extensions/index.js';
import { SessionPoolModule } from '../session-pool/index.js';
import { CallInterceptors } from './call-interceptors.js';
import { Interception } from './interception.js';

/** Runs the interceptors of extensions, and those of the gateway itself. */
@Module({
  imports: [ApprovalsModule, CallsModule, DispatchModule, SessionPoolModule],
  providers: [configProvider(ExtensionsConfig), CallInterceptors, Interception],
  exports: [CallInterceptors],
})
export class InterceptionModule implements OnModuleInit {
  constructor(
    private readonly contributions: Contributions,
    private readonly interceptors: CallInterceptors,
    deferred: DeferredInterception,
    interception: Interception,
  ) {
    deferred.bind(interception);
  }

  onModuleInit(): void {
    for (const contribution of this.contributions.of(CALL_INTERCEPTORS)) this.interceptors.add(contribution);
  }
}
