import { ArrayMaxSize, IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, Max, Min } from 'class-validator';
import {
  compileGlob,
  Guardrail,
  GuardrailCheck,
  isJsonObject,
  PASS,
  type AdminQuestion,
  type CallerQuestion,
  type GuardrailSubject,
  type GuardrailVerdict,
  type ItemUse,
  type JsonObject,
} from '#lib/extension-kit';
import { showArguments, showText } from './show-arguments.js';

const MAX_PATTERNS = 200;
const MIN_EXPIRY_MS = 1_000;
const MAX_EXPIRY_MS = 86_400_000;
const MAX_REASON_LENGTH = 300;

/** Options of the check `approval`. */
export class ApprovalOptions {
  /**
   * Who approves: the caller, in a question that the client shows, or an admin over the admin API (`/admin/v1/approvals`). An admin
   * may not approve calls of their own. Default: caller.
   */
  @IsOptional()
  @IsIn(['caller', 'admin'])
  readonly by?: 'caller' | 'admin';

  /**
   * Whether calls of destructive tools need approval: those whose annotations do not say `readOnlyHint: true` or
   * `destructiveHint: false`. A tool without annotations is destructive by the defaults of the specification. Default: true.
   */
  @IsOptional()
  @IsBoolean()
  readonly destructive?: boolean;

  /** Names of tools whose calls need approval, whatever their annotations say; `*` matches any characters. Default: none. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_PATTERNS)
  @IsString({ each: true })
  readonly tools?: readonly string[];

  /** Names of tools whose calls need no approval, whatever else says so; `*` matches any characters. Default: none. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_PATTERNS)
  @IsString({ each: true })
  readonly except?: readonly string[];

  /** How long the caller may take to answer, or admins to decide, in milliseconds. Default: the gateway's time for questions. */
  @IsOptional()
  @IsInt()
  @Min(MIN_EXPIRY_MS)
  @Max(MAX_EXPIRY_MS)
  readonly expiresAfterMs?: number;
}

type ApprovedCall = NonNullable<GuardrailSubject['call']>;

/**
 * Asks the caller, or an admin, before a destructive tool runs. The question names tool, server and arguments. A call that is not
 * approved is refused; so is one whose client cannot answer questions, if the caller must approve it.
 */
@Guardrail('approval', { phases: ['arguments'], options: ApprovalOptions })
export class ApprovalCheck extends GuardrailCheck {
  /** @throws GatewayError if the client cannot answer questions, or no admin decides in time */
  async check(subject: GuardrailSubject, options: ApprovalOptions): Promise<GuardrailVerdict> {
    const { item, call, definition } = subject;
    if (item?.kind !== 'tools' || !needsApproval(item, definition, options)) return PASS;
    if (call === undefined) return refuse('not-approved', 'The call needs the approval of its caller, who is unknown.');
    const { expiresAfterMs } = options;
    const question = { key: 'approval', ...(expiresAfterMs !== undefined && { expiresAfterMs }) };
    return options.by === 'admin'
      ? askAdmin(call, { ...question, message: toAdminMessage(item.name, subject.server.slug) })
      : askCaller(call, { ...question, message: toMessage(item.name, subject.server.slug, subject.value) });
  }
}

async function askCaller(call: ApprovedCall, question: CallerQuestion): Promise<GuardrailVerdict> {
  const { action } = await call.ask(question);
  if (action === 'accept') return PASS;
  return action === 'decline'
    ? refuse('declined', 'The user declined the call. Do not repeat it without being asked to.')
    : refuse('not-approved', 'The user closed the question without approving the call.');
}

async function askAdmin(call: ApprovedCall, question: AdminQuestion): Promise<GuardrailVerdict> {
  const { action, reason } = await call.askAdmin(question);
  if (action === 'approve') return PASS;
  const why = reason === undefined ? '' : `: ${showText(reason, MAX_REASON_LENGTH)}`;
  return refuse('refused', `An admin refused the call${why}`);
}

type NameMatcher = ReturnType<typeof compileGlob>;

const NO_PATTERNS: readonly string[] = [];
const compiled = new WeakMap<readonly string[], readonly NameMatcher[]>();

/** Compiled once for the options of a guardrail, which stay the same object. */
function matchersOf(patterns: readonly string[]): readonly NameMatcher[] {
  const known = compiled.get(patterns) ?? patterns.map(compileGlob);
  compiled.set(patterns, known);
  return known;
}

function needsApproval(item: ItemUse, definition: JsonObject | undefined, options: ApprovalOptions): boolean {
  const { destructive = true, tools = NO_PATTERNS, except = NO_PATTERNS } = options;
  const names = [item.name, ...(item.shownName === undefined ? [] : [item.shownName])];
  const isNamed = (patterns: readonly string[]) => matchersOf(patterns).some((matches) => names.some(matches));
  if (isNamed(except)) return false;
  return isNamed(tools) || (destructive && isDestructive(definition));
}

/** Annotations with their defaults (specification: schema, ToolAnnotations): a tool may write, and then destroy. */
function isDestructive(definition: JsonObject | undefined): boolean {
  const annotations = definition?.['annotations'];
  const { readOnlyHint = false, destructiveHint = true } = isJsonObject(annotations) ? annotations : {};
  return readOnlyHint !== true && destructiveHint !== false;
}

/** Admins see the arguments beside it, if their role may read them. */
const toAdminMessage = (tool: string, server: string): string =>
  `The tool "${showText(tool)}" of the server "${showText(server)}" may run only with the approval of an admin.`;

const toMessage = (tool: string, server: string, args: JsonObject): string =>
  `Allow the tool "${showText(tool)}" of the server "${showText(server)}" to run with these arguments?\n\n${showArguments(args)}`;

const refuse = (kind: string, reason: string): GuardrailVerdict => ({
  action: 'refuse',
  reason,
  findings: [{ kind, count: 1 }],
});
