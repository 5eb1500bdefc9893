import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { UpstreamCredentials, type Credentials, type CredentialsRequest } from 'isthmus/extension-kit';

const KEY = process.env['ACME_SIGNING_KEY'] ?? 'only for tests';

/** Tells Acme's own servers, signed, which employee calls. Other servers get the credentials of their entries alone. */
@Injectable()
export class EmployeeCredentials extends UpstreamCredentials {
  override identityOf(request: Required<CredentialsRequest>): string {
    return employeeOf(request) ?? '';
  }

  override credentialsFor(request: CredentialsRequest): Credentials {
    const employee = employeeOf(request);
    if (employee === undefined) return {};
    const signature = createHmac('sha256', KEY).update(`${request.server.slug} ${employee}`).digest('base64url');
    return { headers: { 'x-acme-employee': employee, 'x-acme-signature': signature } };
  }
}

const employeeOf = ({ server, caller }: CredentialsRequest): string | undefined =>
  caller === undefined || caller.anonymous || !server.tags.includes('acme') ? undefined : caller.principal.subject;
