import type { paths } from './schema.js';

type Verb = 'get' | 'post' | 'put' | 'delete';
type OperationsOf<Path extends keyof paths> = {
  [V in Verb]: paths[Path][V] extends { readonly responses: unknown }
    ? Path extends `/admin/v1${infer Rest}`
      ? `${Uppercase<V>} ${Rest}`
      : never
    : never;
}[Verb];

/** An operation of the admin API: `GET /servers/{slug}`. */
export type Operation = { [Path in keyof paths]: OperationsOf<Path> }[keyof paths];
