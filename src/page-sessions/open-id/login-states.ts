import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import { JsonCipher } from '#lib/sealing';
import { Clock } from '#lib/time';
import { DataFolder } from '../../data-folder/index.js';
import { SessionCookie } from '../session-cookie.js';
import type { BegunLogin } from './open-id-provider.js';

/** How long a person may take at the OpenID provider, in milliseconds. */
const MAX_LOGIN_MS = 600_000;
const LABEL = 'page-sessions login 1';

/** A login that is under way. */
export interface LoginState extends BegunLogin {
  readonly redirectUri: string;
  /** Place in the admin page to which the login leads. */
  readonly returnTo: string;
}

interface StoredLogin extends LoginState {
  /** Milliseconds since the Unix epoch. */
  readonly endsAt: number;
}

/** Keeps logins that are under way in an encrypted cookie, so that every worker can finish every login. */
@Injectable()
export class LoginStates {
  private readonly cipher: JsonCipher<StoredLogin>;

  constructor(
    private readonly cookie: SessionCookie,
    { secrets }: DataFolder,
    private readonly clock: Clock,
  ) {
    this.cipher = new JsonCipher(secrets.session, LABEL);
  }

  /** Value of `Set-Cookie` that stores a login. */
  write(login: LoginState): string {
    const stored = { ...login, endsAt: this.clock.now() + MAX_LOGIN_MS };
    return this.cookie.writeLogin(this.cipher.encrypt(stored, LABEL), MAX_LOGIN_MS / 1_000);
  }

  /** Undefined: the browser has no login under way, or an expired one. */
  read(headers: IncomingHttpHeaders): LoginState | undefined {
    const login = this.cipher.decrypt(this.cookie.readLogin(headers), LABEL);
    return login && this.clock.now() < login.endsAt ? login : undefined;
  }

  /** Value of `Set-Cookie` that deletes the login. */
  clear(): string {
    return this.cookie.writeLogin('', 0);
  }
}
