import { Delete, Param } from '@nestjs/common';
import { AccessTokens } from '../tokens/index.js';
import { RequireRoles } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { DescribeRoute } from './openapi/route-description.js';

interface RevokedTokensResponse {
  /** Ids of the revoked tokens. */
  readonly revoked: readonly string[];
}

/** What belongs to one subject of an issuer. The subject is part of the path, so audit records name it. */
@AdminController('subjects')
export class SubjectsController {
  constructor(private readonly tokens: AccessTokens) {}

  /** Every worker refuses the tokens within two seconds and ends the streams that were opened with them. */
  @Delete(':issuer/:subject/tokens')
  @RequireRoles(['admin'])
  @DescribeRoute({ summary: 'Revoke all personal access tokens of a subject', response: 'RevokedTokens' })
  async revokeTokens(
    @Param('issuer') issuer: string,
    @Param('subject') subject: string,
  ): Promise<RevokedTokensResponse> {
    return { revoked: await this.tokens.revokeAll({ issuer, subject }) };
  }
}
