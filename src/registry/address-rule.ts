import { findLiteralAddress, type AddressGuard } from '#lib/address-guard';

/**
 * Returns why a server at this URL must not be created over the admin API; undefined when nothing speaks against it. Names
 * other than `localhost` are checked when the gateway connects, because they may resolve differently then.
 */
export function findAddressFault(url: string, addresses: AddressGuard): string | undefined {
  const address = findLiteralAddress(url);
  if (address === undefined || addresses.allows(address)) return undefined;
  return (
    'names an address that is neither public nor in an allowed network. Use another address, add its network to ' +
    'ISTHMUS_ALLOWED_NETWORKS, or declare the server in the configuration file.'
  );
}
