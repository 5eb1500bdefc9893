import type { DiscoveryService } from '@nestjs/core';
import { ExtensionFault } from './extension.errors.js';

/** A provider or controller as Nest knows it. */
export type ProviderWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** Name of the module that provides it. */
export const moduleOf = ({ host }: ProviderWrapper): string => host?.metatype.name ?? 'unknown';

/**
 * @param subject names what is contributed
 * @throws ExtensionFault for a provider of which Nest makes several instances
 */
export function refuseRequestScope(wrapper: ProviderWrapper, subject: string): void {
  if (wrapper.isDependencyTreeStatic() && !wrapper.isTransient) return;
  throw new ExtensionFault(
    `${subject} depends on the scope of a request. The gateway uses one instance: remove the scope.`,
  );
}
