import type { HandledMethod, VendorMethodHandler } from '#lib/extension-kit';
import { ExtensionFault, type Contribution } from '../extensions/index.js';
import { isSendableMethod } from './sendable-requests.js';

type VendorContribution = Contribution<VendorMethodHandler, HandledMethod>;

/** A prefix of the vendor and a name: `acme/quota`, `com.acme/usage/today`. */
const VENDOR_METHOD = /^(?<prefix>[\w.-]+)(?:\/[\w.-]+)+$/;

/** Prefixes of methods of the specification, of its extensions, and of the gateway. */
const RESERVED_PREFIXES: ReadonlySet<string> = new Set([
  'client',
  'completion',
  'elicitation',
  'experimental',
  'extensions',
  'initialize',
  'io.modelcontextprotocol',
  'isthmus',
  'logging',
  'mcp',
  'notifications',
  'ping',
  'prompts',
  'resources',
  'roots',
  'rpc',
  'sampling',
  'server',
  'session',
  'sessions',
  'subscriptions',
  'tasks',
  'tools',
]);

/** @throws ExtensionFault for a method that no vendor may define, and for a second handler of one */
export function refuseReservedMethod(contribution: VendorContribution, all: readonly VendorContribution[]): void {
  const { name, module, options } = contribution;
  const { method } = options;
  const subject = `${name} of the module ${module}, marked with @HandlesMethod, handles ${JSON.stringify(method)}`;
  const prefix = isSendableMethod(method) ? VENDOR_METHOD.exec(method)?.groups?.['prefix'] : undefined;
  if (prefix === undefined)
    throw new ExtensionFault(
      `${subject}, which is no method of a vendor. Use a prefix of your own and a name, such as acme/quota.`,
    );
  if (RESERVED_PREFIXES.has(prefix.toLowerCase()))
    throw new ExtensionFault(`${subject}, whose prefix is reserved for the protocol. Use a prefix of your own.`);
  const other = all.find((each) => each !== contribution && each.options.method === method);
  if (other !== undefined)
    throw new ExtensionFault(
      `${subject}, which ${other.name} of the module ${other.module} handles, too. Remove one of them.`,
    );
}
