import type { Principal } from '#lib/extension-kit';

export type LoginMethod = 'token' | 'openId';

/** What the gateway holds for a browser that has logged in to the admin page. Times are milliseconds since the Unix epoch. */
export interface PageSession {
  /** Whose session it is. */
  readonly principal: Principal;
  /** The bearer token of requests in this session. */
  readonly token: string;
  readonly loginMethod: LoginMethod;
  /** From then on the token is refused. */
  readonly tokenEndsAt: number;
  /** End of the session. That of the token, unless the token can be renewed. */
  readonly endsAt: number;
  readonly renewal?: Renewal;
}

/** How the token of a session is renewed. */
export interface Renewal {
  readonly refreshToken: string;
  /** From then on a request renews the token. */
  readonly dueAt: number;
}
