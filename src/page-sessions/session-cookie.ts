import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import { DataFolder } from '../data-folder/index.js';
import { GatewayConfig } from '../gateway.config.js';

/** 32 random bytes in base64url. */
const SESSION_ID = /^[\w-]{43}$/;

const NAME_LENGTH = 8;

interface CookieOptions {
  readonly name: string;
  readonly value: string;
  /** Path below that of the public URL. */
  readonly path: string;
  readonly sameSite: 'Strict' | 'Lax';
  readonly maxAgeSeconds: number;
}

/** Reads and writes the cookies of the admin page. */
@Injectable()
export class SessionCookie {
  private readonly name: string;
  private readonly isSecure: boolean;
  private readonly publicPath: string;

  constructor({ publicUrl, publicPath }: GatewayConfig, { secrets }: DataFolder) {
    this.isSecure = publicUrl?.toLowerCase().startsWith('https:') ?? false;
    this.publicPath = publicPath;
    // Browsers send a cookie to every port of a host: gateways on one machine must not replace each other's.
    const installation = createHmac('sha256', secrets.session).update('admin page cookie').digest('hex');
    this.name = this.toName(`isthmus-admin-${installation.slice(0, NAME_LENGTH)}`);
  }

  /**
   * Returns the id in the session cookie. Undefined: there is no cookie of this form, or several, one of which another host of the
   * domain may have set to make the browser use its own session (RFC 6265, 8.6).
   */
  read(headers: IncomingHttpHeaders): string | undefined {
    const [value, ...others] = readValues(headers, this.name);
    return value !== undefined && others.length === 0 && SESSION_ID.test(value) ? value : undefined;
  }

  /** True when the browser sent a session cookie of any form, which should be cleared if it is of no use. */
  isSent(headers: IncomingHttpHeaders): boolean {
    return readValues(headers, this.name).length > 0;
  }

  /** Value of `Set-Cookie` that stores a session id. */
  write(value: string, maxAgeSeconds: number): string {
    return this.toText({ name: this.name, value, path: '/admin', sameSite: 'Strict', maxAgeSeconds });
  }

  /** Value of `Set-Cookie` that deletes the session cookie. */
  clear(): string {
    return this.write('', 0);
  }

  /** Reads a cookie that `writeLogin` has stored. */
  readLogin(headers: IncomingHttpHeaders): string | undefined {
    return readValues(headers, `${this.name}-login`)[0];
  }

  /**
   * Value of `Set-Cookie` for a login that is under way. Unlike the session cookie, the browser sends it when the OpenID
   * provider leads back to the page.
   */
  writeLogin(value: string, maxAgeSeconds: number): string {
    return this.toText({
      name: `${this.name}-login`,
      value,
      path: '/admin/ui/callback',
      sameSite: 'Lax',
      maxAgeSeconds,
    });
  }

  /** Browsers accept a name with this prefix over https only, so that no page without it can replace the cookie. */
  private toName(name: string): string {
    return this.isSecure ? `__Secure-${name}` : name;
  }

  private toText({ name, value, path, sameSite, maxAgeSeconds }: CookieOptions): string {
    const secure = this.isSecure ? '; Secure' : '';
    const lifetime = `Max-Age=${Math.max(0, Math.floor(maxAgeSeconds))}`;
    return `${name}=${value}; Path=${this.publicPath}${path}; ${lifetime}; HttpOnly; SameSite=${sameSite}${secure}`;
  }
}

function readValues({ cookie = '' }: IncomingHttpHeaders, name: string): readonly string[] {
  const pairs = cookie.split(';').map((pair) => pair.trim());
  return pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
}
