import { Module } from '@nestjs/common';
import { CallInterceptor, InterceptsCalls, type InterceptedCall, type NextCall } from '#lib/extension-kit';

@InterceptsCalls()
class EmptyInterceptor extends CallInterceptor {
  override intercept(_call: InterceptedCall, next: NextCall) {
    return next();
  }
}

/** An extension whose interceptor leaves every call as it is. */
@Module({ providers: [EmptyInterceptor] })
class InterceptingExtension {}

export default InterceptingExtension;
