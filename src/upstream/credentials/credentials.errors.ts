import { GatewayError, type GatewayErrorData } from '#lib/extension-kit';
import { GatewayCode } from '#lib/mcp-protocol';

/** A strategy returned credentials that cannot be used. The message contains none of their values. */
export class CredentialsInvalid extends Error {
  override readonly name = 'CredentialsInvalid';
}

/** 502: the strategy provided no credentials for a call, which was therefore not executed. */
export class CredentialsUnavailable extends GatewayError {
  /** @param why what the strategy did, without any value of it */
  constructor(strategy: string, server: string, why: string) {
    const message =
      `The credentials strategy ${strategy} ${why} for server ${server}; the call was not executed. Retry later, or ask the ` +
      'operators of the gateway.';
    super(GatewayCode.upstreamFailed, message, 502, { outcome: 'not_executed', retriable: true, server });
  }
}

/** The error of a strategy that addresses the caller itself. Nothing has run, whatever the strategy says. */
export function toNotExecuted(cause: GatewayError, server: string): GatewayError {
  const { code, message, httpStatus, data } = cause;
  const known = { retriable: false, ...(data as Partial<GatewayErrorData> | undefined) };
  return new GatewayError(code, message, httpStatus, { ...known, outcome: 'not_executed', server });
}

/** The servers refuse the credentials that a worker would use for a caller of another worker. */
export class CredentialsDiffer extends GatewayError {
  constructor(server: string) {
    const message =
      `The worker that holds the connection to server ${server} uses other credentials for this caller; the call was not executed. ` +
      'Run the same extensions at all workers.';
    super(GatewayCode.upstreamFailed, message, 502, { outcome: 'not_executed', retriable: true, server });
  }
}
