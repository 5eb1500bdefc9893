import { Injectable } from '@nestjs/common';
import type { JsonValue } from '#lib/mcp-protocol';
import type { AuditedCall } from './audit-record.js';
import { AuditKey } from './chain/audit-key.js';
import { toStoredArguments } from './stored-arguments.js';

/** Arguments as audit records contain them, for other folders that show them to admins. */
@Injectable()
export class ArgumentViews {
  constructor(private readonly key: AuditKey) {}

  /** Keyed, so that nobody can guess short values from it. */
  digest(value: JsonValue): string {
    return this.key.digestArguments(value);
  }

  /** Returns the keyed digest, and the arguments without what looks like a credential, unless they are too long. */
  show(args: JsonValue): { readonly argumentsDigest: string } & Pick<AuditedCall, 'arguments' | 'isWithoutArguments'> {
    return { argumentsDigest: this.digest(args), ...toStoredArguments(args) };
  }
}
