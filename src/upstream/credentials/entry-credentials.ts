import { Injectable } from '@nestjs/common';
import { UpstreamCredentials, type Credentials } from '#lib/extension-kit';

/** The gateway authenticates with the headers and variables of the entry, for every caller. It adds nothing to them. */
@Injectable()
export class EntryCredentials extends UpstreamCredentials {
  override identityOf(): string {
    return '';
  }

  override credentialsFor(): Credentials {
    return {};
  }
}
