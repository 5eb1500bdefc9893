import { expect, it } from '@jest/globals';
import type { UpstreamCall } from '../calls/index.js';
import { CallInterceptors, type RegisteredInterceptor } from './call-interceptors.js';
import { interceptorOf, InterceptionWorld } from './interception-fixture.js';

it('CallInterceptors asks each interceptor once whether it sees a call, and keeps their order', () => {
  const interceptors = new CallInterceptors();
  const asked: string[] = [];
  const add = (name: string, order: number, sees: boolean) => {
    const applies: RegisteredInterceptor['applies'] = () => {
      asked.push(name);
      return sees;
    };
    interceptors.add({ ...interceptorOf((_call, next) => next(), { order }, name), applies });
  };
  add('d', 4, true);
  add('b', 2, false);
  add('a', 1, true);
  add('c', 3, false);
  const { call } = new InterceptionWorld().executedWith({});
  expect(interceptors.of(call).map(({ name }) => name)).toEqual(['a', 'd']);
  expect(asked).toEqual(['a', 'b', 'c', 'd']);
  const other: UpstreamCall = { ...call, request: { method: 'tools/list', params: {} } };
  expect(interceptors.of(other)).toEqual([]);
  expect(asked).toHaveLength(4);
});
