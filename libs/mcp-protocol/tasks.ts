/**
 * Tasks: requests whose result is fetched later, under the id of the task. Part of the latest legacy revision
 * (basic/utilities/tasks), and an extension in the modern era.
 */
import { isJsonObject, type JsonObject } from './json.js';
import { metaOf } from './methods.js';

/** The member of `extensions` under which modern clients and servers declare tasks. */
const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** The `_meta` key that names the task to which a message belongs. */
export const RELATED_TASK = 'io.modelcontextprotocol/related-task';

export const isTaskMethod = (method: string): boolean => method.startsWith('tasks/');

/** True for a notification of the state of a task. */
export const isTaskNotification = (method: string): boolean =>
  method === 'notifications/tasks' || method.startsWith('notifications/tasks/');

/**
 * Returns the params of a request that creates no task and belongs to none. Returns the same object if nothing changes. Only
 * tools create tasks: in another method, `task` may mean anything.
 */
export function withoutTask(method: string, params: JsonObject): JsonObject {
  const unrelated = withoutRelatedTask(params);
  if (method !== 'tools/call' || unrelated['task'] === undefined) return unrelated;
  const { task: _task, ...rest } = unrelated;
  return rest;
}

/** Returns a message without the name of its task. Returns the same object if it names none. */
export function withoutRelatedTask(message: JsonObject): JsonObject {
  const meta = metaOf(message);
  if (meta[RELATED_TASK] === undefined) return message;
  const { [RELATED_TASK]: _task, ...others } = meta;
  const { _meta, ...rest } = message;
  return Object.keys(others).length === 0 ? rest : { ...rest, _meta: others };
}

/** Returns capabilities that do not declare tasks in the form of either era. Returns the same object if nothing changes. */
export function withoutTaskCapability(capabilities: JsonObject): JsonObject {
  const { extensions, tasks, ...rest } = capabilities;
  const hasExtension = isJsonObject(extensions) && extensions[TASKS_EXTENSION] !== undefined;
  if (tasks === undefined && !hasExtension) return capabilities;
  if (!hasExtension) return extensions === undefined ? rest : { ...rest, extensions };
  const { [TASKS_EXTENSION]: _tasks, ...others } = extensions;
  return Object.keys(others).length === 0 ? rest : { ...rest, extensions: others };
}

/** Returns the part of the capabilities that declares tasks, in the form of either era. */
export function taskCapabilityOf({ tasks, extensions }: JsonObject): JsonObject {
  const extension = isJsonObject(extensions) ? extensions[TASKS_EXTENSION] : undefined;
  return {
    ...(tasks !== undefined && { tasks }),
    ...(extension !== undefined && { extensions: { [TASKS_EXTENSION]: extension } }),
  };
}
