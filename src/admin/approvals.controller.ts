import { Body, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import type { Caller, Principal } from '#lib/extension-kit';
import type { JsonValue } from '#lib/mcp-protocol';
import { APPROVAL_STATES, Approvals, type Approval, type ApprovalState } from '../approvals/index.js';
import { ApprovalDecided, OwnCall, ResourceNotFound } from './admin.errors.js';
import { RequireRoles } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { DescribeRoute } from './openapi/route-description.js';
import { PageQuery, paginate, type Page } from './pages.js';
import { CurrentCaller } from './request-caller.js';

const MAX_NAME_LENGTH = 200;
const MAX_REASON_LENGTH = 300;

/** Filter for approvals. An approval must match every parameter that is present. */
class ApprovalFilter extends PageQuery {
  @IsOptional() @IsIn(APPROVAL_STATES) readonly state?: ApprovalState;

  /** Slug of the server. */
  @IsOptional() @IsString() @MaxLength(MAX_NAME_LENGTH) readonly server?: string;
}

/** Why an admin refuses a call. */
class ApprovalRefusal {
  /** One sentence, which the caller receives. */
  @IsString() @MaxLength(MAX_REASON_LENGTH) readonly reason!: string;
}

/** A call that needs the approval of an admin. */
interface ApprovalResponse {
  readonly id: string;
  readonly state: ApprovalState;
  /** Id of the request that asked first, as in the records of its call. */
  readonly requestId: string;
  /** Issuer and subject of the caller. */
  readonly caller: Principal;
  readonly server: string;
  readonly method: string;
  /** Name of the tool or prompt as its server defines it, or URI of the resource. */
  readonly item: string;
  readonly message: string;
  /** Keyed digest, as in audit records. */
  readonly argumentsDigest: string;
  /** Without values that look like credentials. Only for an admin or auditor. */
  readonly arguments?: JsonValue;
  /** True when the arguments are too long to be shown. */
  readonly isWithoutArguments?: true;
  /** RFC 3339. */
  readonly askedAt: string;
  readonly expiresAt: string;
  readonly decidedBy?: Principal;
  readonly decidedAt?: string;
  readonly reason?: string;
}

/** Roles that may read the arguments of calls, as in audit records. */
const READERS: ReadonlySet<string> = new Set(['admin', 'auditor']);

/** The calls that wait for an admin, or have waited in the last minutes, at all workers. */
@AdminController('approvals')
export class ApprovalsController {
  constructor(private readonly approvals: Approvals) {}

  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({
    summary: 'List calls that need the approval of an admin, oldest first',
    response: 'CallApprovalPage',
  })
  async list(
    @Query() { state, server, ...page }: ApprovalFilter,
    @CurrentCaller() caller: Caller,
  ): Promise<Page<ApprovalResponse>> {
    const all = await this.approvals.list();
    const matching = all.filter(
      (approval) =>
        (state === undefined || this.approvals.stateOf(approval) === state) &&
        (server === undefined || approval.server === server),
    );
    const { items, ...rest } = paginate(matching, ({ askedAt, id }) => `${toTime(askedAt)} ${id}`, page);
    return { items: items.map((approval) => this.toResponse(approval, caller)), ...rest };
  }

  @Get(':id')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({ summary: 'Show a call that needs the approval of an admin', response: 'CallApproval' })
  async find(@Param('id') id: string, @CurrentCaller() caller: Caller): Promise<ApprovalResponse> {
    return this.toResponse(await this.read(id), caller);
  }

  /** The call runs once, at its worker or when its client repeats it. */
  @Post(':id/approve')
  @RequireRoles(['admin'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Approve a call of another caller, which may then run once', response: 'CallApproval' })
  approve(@Param('id') id: string, @CurrentCaller() caller: Caller): Promise<ApprovalResponse> {
    return this.decide(id, 'approved', caller);
  }

  @Post(':id/refuse')
  @RequireRoles(['admin'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Refuse a call; its caller receives the reason', response: 'CallApproval' })
  refuse(
    @Param('id') id: string,
    @Body() { reason }: ApprovalRefusal,
    @CurrentCaller() caller: Caller,
  ): Promise<ApprovalResponse> {
    return this.decide(id, 'refused', caller, reason);
  }

  private async decide(
    id: string,
    to: 'approved' | 'refused',
    caller: Caller,
    reason?: string,
  ): Promise<ApprovalResponse> {
    const approval = await this.read(id);
    const { issuer, subject } = approval.principal;
    const by = caller.principal;
    if (to === 'approved' && by.issuer === issuer && by.subject === subject) throw new OwnCall();
    const decided = await this.approvals.decide(approval, to, by, reason);
    if (!decided) throw new ApprovalDecided(this.approvals.stateOf(await this.read(id)));
    return this.toResponse(decided, caller);
  }

  private async read(id: string): Promise<Approval> {
    const approval = await this.approvals.find(id);
    if (!approval) throw new ResourceNotFound('The approval');
    return approval;
  }

  private toResponse(approval: Approval, { roles }: Caller): ApprovalResponse {
    const { principal, call: _call, decision, askedAt, expiresAt, arguments: args, ...shown } = approval;
    const mayRead = roles.some((role) => READERS.has(role));
    return {
      ...shown,
      state: this.approvals.stateOf(approval),
      caller: principal,
      ...(mayRead && args !== undefined && { arguments: args }),
      askedAt: toTime(askedAt),
      expiresAt: toTime(expiresAt),
      ...(decision && {
        decidedBy: decision.by,
        decidedAt: toTime(decision.at),
        ...(decision.reason !== undefined && { reason: decision.reason }),
      }),
    };
  }
}

const toTime = (at: number): string => new Date(at).toISOString();
