import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import { isJsonObject } from '#lib/mcp-protocol';
import { TextCipher } from '#lib/sealing';
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

/** Keeps logins that are under way in an encrypted cookie, so that every worker can finish every login. */
@Injectable()
export class LoginStates {
  private readonly cipher: TextCipher;

  constructor(
    private readonly cookie: SessionCookie,
    { secrets }: DataFolder,
    private readonly clock: Clock,
  ) {
    this.cipher = new TextCipher(secrets.session, LABEL);
  }

  /** Value of `Set-Cookie` that stores a login. */
  write(login: LoginState): string {
    const text = JSON.stringify({ ...login, endsAt: this.clock.now() + MAX_LOGIN_MS });
    return this.cookie.writeLogin(this.cipher.encrypt(text, LABEL), MAX_LOGIN_MS / 1_000);
  }

  /** Undefined: the browser has no login under way, or an expired one. */
  read(headers: IncomingHttpHeaders): LoginState | undefined {
    const text = this.cipher.decrypt(this.cookie.readLogin(headers), LABEL);
    const login: unknown = text === undefined ? undefined : JSON.parse(text);
    if (!isJsonObject(login) || Number(login['endsAt']) <= this.clock.now()) return undefined;
    return login as unknown as LoginState;
  }

  /** Value of `Set-Cookie` that deletes the login. */
  clear(): string {
    return this.cookie.writeLogin('', 0);
  }
}
