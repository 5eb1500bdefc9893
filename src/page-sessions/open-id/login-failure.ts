import { AuthorizationResponseError, ResponseBodyError } from 'openid-client';

const MAX_LENGTH = 200;
const UNREACHABLE =
  'The OpenID provider cannot be reached, or does not answer as expected. Log in with a token, or retry later.';

/** A failure of a login: `message` for the person who logs in, `detail` for the log. Neither contains a token or a code. */
export interface LoginFailure {
  readonly message: string;
  readonly detail: string;
}

export function toLoginFailure(cause: unknown): LoginFailure {
  // The state was checked before, so the provider itself has sent these texts.
  if (cause instanceof AuthorizationResponseError || cause instanceof ResponseBodyError) {
    const text = toShortText([cause.error, cause.error_description].filter(Boolean).join(': '));
    return { message: `The OpenID provider refused the login: ${text}.`, detail: text };
  }
  const detail = describe(cause);
  if (isNetworkFault(cause)) return { message: UNREACHABLE, detail };
  return { message: 'The answer of the OpenID provider is invalid. Log in again; the log says more.', detail };
}

const toShortText = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, ' ').slice(0, MAX_LENGTH);

/** The message and code of an error and of its cause, where openid-client names what was wrong. */
function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown';
  const { code } = cause as { code?: unknown };
  const inner = cause.cause instanceof Error ? ` (${textOf(cause.cause)})` : '';
  return `${typeof code === 'string' ? `${code}: ` : ''}${textOf(cause)}${inner}`;
}

/** The message of a SyntaxError quotes the answer, which may contain a token. */
const textOf = (fault: Error): string => (fault instanceof SyntaxError ? 'invalid JSON' : toShortText(fault.message));

/** `fetch` rejects with a TypeError when it has no connection; openid-client wraps a timeout. */
function isNetworkFault(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  const { code } = cause as { code?: unknown };
  if (code === 'OAUTH_TIMEOUT' || code === 'OAUTH_ABORT') return true;
  const isFetchFault = (fault: unknown) =>
    fault instanceof TypeError && (fault.message === 'fetch failed' || fault.cause !== undefined);
  return isFetchFault(cause) || isFetchFault(cause.cause) || code === 'OAUTH_RESPONSE_IS_NOT_CONFORM';
}
