/** A login over the OpenID provider failed. The message is for the person who logs in. */
export class LoginFailed extends Error {
  override readonly name = 'LoginFailed';
}

/** The OpenID provider does not renew the token any more: the session has ended there. */
export class RenewalRefused extends Error {
  override readonly name = 'RenewalRefused';
}
