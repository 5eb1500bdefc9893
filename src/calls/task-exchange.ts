import {
  failure,
  isJsonObject,
  isTaskMethod,
  isTaskNotification,
  metaOf,
  RELATED_TASK,
  RpcCode,
  withoutRelatedTask,
  withoutTask,
  withoutTaskCapability,
  type Answer,
  type ClientProfile,
  GatewayCode,
  type JsonObject,
  type JsonValue,
  type McpNotification,
  type McpRequest,
  type Outcome,
} from '#lib/mcp-protocol';
import type { UpstreamReply } from '../upstream/index.js';
import { truncateLabel } from '../workers/index.js';
import { isDistinguishable, type TaskIds, toOwnershipKey, type TaskOwner } from './task-ids.js';
import type { TaskOwners } from './task-owners.js';

/** The part of a call that tasks concern. */
interface TaskCall {
  readonly request: McpRequest;
  readonly client: ClientProfile;
}

type FailedOutcome = Extract<Outcome, { kind: 'error' }>;

/** Requests that name a task. */
const NAMING_METHODS: ReadonlySet<string> = new Set(['tasks/get', 'tasks/result', 'tasks/cancel', 'tasks/update']);

/** Opens the exchanges of calls whose client and server may use tasks. */
export class TaskExchanges {
  constructor(
    private readonly ids: TaskIds,
    private readonly owners: TaskOwners,
  ) {}

  open(owner: TaskOwner): TaskExchange {
    return new TaskExchange(this.ids, this.owners, owner);
  }
}

/**
 * Replaces the ids of tasks in the messages of one call, in both directions: a client sees sealed ids of its own tasks, and the
 * server sees its own ids. Messages about tasks of others do not reach the client.
 */
export class TaskExchange {
  /** The server's id of the task that the call names. */
  private named: string | undefined;

  constructor(
    private readonly ids: TaskIds,
    private readonly owners: TaskOwners,
    private readonly owner: TaskOwner,
  ) {}

  /** Returns the call with the server's own ids, or the error for a task that does not belong to the caller. */
  toServer<T extends TaskCall>(call: T): T | FailedOutcome {
    const { request } = call;
    if (!isTaskMethod(request.method)) return withParams(call, this.withOpenedMeta(request.params));
    const params = withoutRelatedTask(request.params);
    if (!NAMING_METHODS.has(request.method)) return withParams(call, params);
    this.named = this.ids.open(params['taskId'], this.owner);
    return this.named === undefined ? UNKNOWN_TASK : withParams(call, { ...params, taskId: this.named });
  }

  /** Returns a reply that shows the client its own ids. */
  toClientReply(reply: UpstreamReply): UpstreamReply {
    return {
      notify: (notification) => {
        const shown = this.toShownNotification(notification);
        return shown && reply.notify(shown);
      },
      answerQuestion: async (question, signal) => {
        const shown = { ...question, params: this.withSealedMeta(question.params) };
        return this.withOpenedAnswer(await reply.answerQuestion(shown, signal));
      },
      opened: (retryMs) => reply.opened?.(retryMs),
      interrupted: () => reply.interrupted?.(),
      missingCapabilities: (capabilities) => reply.missingCapabilities?.(capabilities),
    };
  }

  /** Returns the outcome with sealed ids, and records a task that the server created for the call. */
  async toClient({ request }: TaskCall, outcome: Outcome): Promise<Outcome> {
    if (outcome.kind === 'error') return outcome;
    return { ...outcome, result: await this.toClientResult(request.method, outcome.result) };
  }

  private async toClientResult(method: string, result: JsonObject): Promise<JsonObject> {
    const sealed = this.withSealedMeta(result);
    if (method === 'tasks/list') return this.withOwnTasks(sealed);
    // The result of the call for which the task was created. A member of it means nothing here.
    if (method === 'tasks/result') return sealed;
    if (isTaskMethod(method)) return this.withSealedTask(sealed);
    // Only tools create tasks. The member of another method's result may be anything.
    if (method !== 'tools/call') return sealed;
    const { task } = sealed;
    if (isTask(task)) return { ...sealed, task: this.created(task) };
    return sealed['resultType'] === 'task' && isTask(sealed) ? this.created(sealed) : sealed;
  }

  private created(task: Task): JsonObject {
    const { taskId, ttl, ttlMs } = task;
    const lifetimeMs = [ttl, ttlMs].find((value) => typeof value === 'number');
    if (isDistinguishable(this.owner)) this.owners.record(this.keyOf(taskId), lifetimeMs);
    return { ...task, taskId: this.ids.seal(taskId, this.owner) };
  }

  private withSealedTask(result: JsonObject): JsonObject {
    const inner = result['result'];
    const shown = isJsonObject(inner) ? { ...result, result: this.withSealedMeta(inner) } : result;
    if (shown['taskId'] === undefined) return shown;
    const { taskId, ...rest } = shown;
    // Only the named task can be meant. The id of any other would give access to it.
    return taskId === this.named ? { ...rest, taskId: this.ids.seal(taskId, this.owner) } : rest;
  }

  private async withOwnTasks(result: JsonObject): Promise<JsonObject> {
    const tasks = Array.isArray(result['tasks']) ? result['tasks'].filter(isTask) : [];
    const keys = tasks.map(({ taskId }) => this.keyOf(taskId));
    const known = isDistinguishable(this.owner) ? await this.owners.known(keys) : new Set<string>();
    const own = tasks.filter((_task, index) => known.has(keys[index] ?? ''));
    return { ...result, tasks: own.map((task) => ({ ...task, taskId: this.ids.seal(task.taskId, this.owner) })) };
  }

  /** Undefined for the state of a task that is not known to belong to the caller. */
  private toShownNotification(notification: McpNotification): McpNotification | undefined {
    const { method, params } = notification;
    const shown = this.withSealedMeta(params);
    if (!isTaskNotification(method)) return shown === params ? notification : { method, params: shown };
    const { taskId } = shown;
    if (!this.isOwn(taskId)) return undefined;
    return { method, params: { ...shown, taskId: this.ids.seal(taskId, this.owner) } };
  }

  private withOpenedAnswer(answer: Answer): Answer {
    return 'result' in answer ? { result: this.withOpenedMeta(answer.result) } : answer;
  }

  /** Seals the task that a message of the server names, or removes the name. */
  private withSealedMeta(message: JsonObject): JsonObject {
    return withRelatedTask(message, (id) => (this.isOwn(id) ? this.ids.seal(id, this.owner) : undefined));
  }

  /** Opens the task that a message of the client names, or removes the name. */
  private withOpenedMeta(message: JsonObject): JsonObject {
    return withRelatedTask(message, (id) => this.ids.open(id, this.owner));
  }

  private isOwn(id: JsonValue | undefined): id is string {
    if (typeof id !== 'string') return false;
    return id === this.named || this.owners.isKnownHere(this.keyOf(id));
  }

  private keyOf(id: string): string {
    return toOwnershipKey(id, this.owner);
  }
}

type Task = JsonObject & { readonly taskId: string };

const isTask = (value: unknown): value is Task => isJsonObject(value) && typeof value['taskId'] === 'string';

/** Returns a message with another id of its related task, or without the name of the task if there is none. */
function withRelatedTask(message: JsonObject, convert: (id: JsonValue | undefined) => string | undefined): JsonObject {
  const related = metaOf(message)[RELATED_TASK];
  if (related === undefined) return message;
  const taskId = isJsonObject(related) ? convert(related['taskId']) : undefined;
  if (taskId === undefined) return withoutRelatedTask(message);
  return { ...message, _meta: { ...metaOf(message), [RELATED_TASK]: { ...(related as JsonObject), taskId } } };
}

/** Returns a call that creates no task and names none, or the error for a method of tasks. */
export function withoutTasks<T extends TaskCall>(call: T): T | FailedOutcome {
  const { request, client } = call;
  if (isTaskMethod(request.method)) return toMethodNotFound(request.method);
  const capabilities = withoutTaskCapability(client.capabilities);
  const permitted = withParams(call, withoutTask(request.method, request.params));
  return capabilities === client.capabilities ? permitted : { ...permitted, client: { ...client, capabilities } };
}

/** True for a modern server's announcement of a task in place of the result. */
export const isTaskResult = (outcome: Outcome): boolean =>
  outcome.kind === 'result' && outcome.result['resultType'] === 'task';

/** The server created a task for a client that cannot fetch its result. What the task does is unknown. */
export const UNEXPECTED_TASK: Outcome = failure(
  {
    code: GatewayCode.upstreamBrokeProtocol,
    message: 'Upstream broke the protocol: it created a task for a client that did not declare support for tasks.',
    data: { outcome: 'unknown', retriable: false },
  },
  502,
);

/** The answer for a task of somebody else is that for a task that does not exist. */
const UNKNOWN_TASK = failure({
  code: RpcCode.invalidParams,
  message: 'Unknown task: params.taskId names no task of this caller.',
}) as FailedOutcome;

const toMethodNotFound = (method: string): FailedOutcome =>
  failure({ code: RpcCode.methodNotFound, message: `Method not found: ${truncateLabel(method)}` }) as FailedOutcome;

function withParams<T extends TaskCall>(call: T, params: JsonObject): T {
  return params === call.request.params ? call : { ...call, request: { ...call.request, params } };
}
