import { ClientSecretBasic, ClientSecretPost, None, type ClientAuth } from 'openid-client';

const BASIC = 'client_secret_basic';
const POST = 'client_secret_post';

/**
 * Authenticates the client with a method that the provider supports: in the header, which is the default (OpenID Connect
 * Discovery 1.0, 3), else in the body.
 */
export function chooseClientAuthentication(clientSecret: string | undefined): ClientAuth {
  if (clientSecret === undefined) return None();
  const [basic, post] = [ClientSecretBasic(clientSecret), ClientSecretPost(clientSecret)];
  return (server, client, body, headers) => {
    const supported = server.token_endpoint_auth_methods_supported ?? [BASIC];
    const authenticate = supported.includes(POST) && !supported.includes(BASIC) ? post : basic;
    return authenticate(server, client, body, headers);
  };
}
