import { Body, HttpCode, Param, Post, UnprocessableEntityException } from '@nestjs/common';
import { IsIn, IsObject, IsOptional, IsString, MaxLength } from 'class-validator';
import { ANONYMOUS, GUARDRAIL_PHASES, type GuardrailPhase, type ItemKind } from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import { GuardrailTrial, type TrialResult } from '../../guardrails/index.js';
import {
  EntryUnknown,
  GuardrailEntry,
  KnownChecks,
  RegistryStore,
  type GuardrailDefinition,
} from '../../registry/index.js';
import { RequireRoles } from '../admin-guard.js';
import { AdminController } from '../admin-route.js';
import { GuardrailUnusable } from '../admin.errors.js';
import { DescribeEntries, DescribeRoute } from '../openapi/route-description.js';
import { EntriesController } from './entries.controller.js';

const MAX_NAME_LENGTH = 2_000;
const MAX_SLUG_LENGTH = 32;

/** A value to try a guardrail on, as if it belonged to a call of an anonymous caller. */
class TrialRequest {
  @IsIn(GUARDRAIL_PHASES) readonly phase!: GuardrailPhase;

  /** The arguments, the result, the definition, or the params of the question. */
  @IsObject() readonly value!: JsonObject;

  /** Slug of the server that the value belongs to. */
  @IsOptional() @IsString() @MaxLength(MAX_NAME_LENGTH) readonly server: string = 'trial';

  @IsOptional() @IsIn(['tools', 'prompts', 'resources']) readonly kind: ItemKind = 'tools';

  /** The own name of the item at its server. */
  @IsOptional() @IsString() @MaxLength(MAX_NAME_LENGTH) readonly name: string = 'trial';

  /** The definition of the tool or prompt, for checks that read it. */
  @IsOptional() @IsObject() readonly definition?: JsonObject;
}

/** A value to try a guardrail on that need not be stored. */
class EntryTrialRequest extends TrialRequest {
  /** The guardrail. `[kept]` stands for a credential that is stored under `slug` for the same check with the same options. */
  @IsObject() readonly entry!: JsonObject;

  /** Name of the guardrail that the entry would replace. */
  @IsOptional() @IsString() @MaxLength(MAX_SLUG_LENGTH) readonly slug: string = 'draft';
}

/** Checks of arguments, results, definitions and questions. */
@AdminController('guardrails')
@DescribeEntries({ name: 'Guardrail', classes: [GuardrailEntry] })
export class GuardrailsController extends EntriesController<GuardrailDefinition> {
  constructor(
    private readonly store: RegistryStore,
    private readonly trial: GuardrailTrial,
    private readonly checks: KnownChecks,
  ) {
    super('guardrails', store.guardrails);
  }

  /**
   * Runs the check of a guardrail that need not be stored. Only admins may: a check can send the value and its credentials to a host
   * that the entry names.
   */
  @Post('try')
  @RequireRoles(['admin'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Try a guardrail on a value without storing it', response: 'GuardrailTrial' })
  async tryEntry(@Body() request: EntryTrialRequest): Promise<TrialResult> {
    return this.run(await this.entries.validate(request), request);
  }

  /** Runs the check of a guardrail, whatever its mode and its selector are. Nothing is recorded and nobody is asked. */
  @Post(':slug/try')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(200)
  @DescribeRoute({ summary: 'Try a guardrail on a value', response: 'GuardrailTrial' })
  async try(@Param('slug') slug: string, @Body() request: TrialRequest): Promise<TrialResult> {
    const stored = await this.store.guardrails.find(slug);
    if (!stored) throw new EntryUnknown(slug);
    if (!stored.definition) throw new GuardrailUnusable(slug);
    return this.run(stored.definition, request);
  }

  private run(guardrail: GuardrailDefinition, request: TrialRequest): Promise<TrialResult> {
    const supported = this.checks.find(guardrail.check)?.phases ?? [];
    if (!supported.includes(request.phase))
      throw new UnprocessableEntityException(`phase must be one that the check supports: ${supported.join(', ')}.`);
    const { phase, value, server: slugOfServer, kind, name, definition } = request;
    const use = { server: { slug: slugOfServer }, kind, name };
    return this.trial.try(guardrail, { phase, value, use, definition, caller: ANONYMOUS });
  }
}
