import { expect } from 'expect';
import { textOf } from '../../support/sdk-client.js';
import type { FeatureGroup } from '../feature.js';

export const ERRORS: FeatureGroup = {
  title: 'Errors',
  features: [
    {
      name: 'receives an error of the server with its code, message and data',
      async run({ client, name }) {
        const call = client.call(name('throw_error'), { code: -31_999, message: 'on request' });
        await expect(call).rejects.toMatchObject({
          code: -31_999,
          message: expect.stringContaining('on request'),
          data: { thrownBy: 'throw_error' },
        });
      },
    },
    {
      name: 'receives a failure of a tool as a result',
      async run({ client, name }) {
        const failed = await client.call(name('test_error_handling'));
        expect(failed).toMatchObject({ isError: true });
        expect(textOf(failed)).toMatch(/intentionally/);
      },
    },
    {
      name: 'receives invalid arguments of a tool as a failed result',
      async run({ client, name }) {
        const failed = await client.call(name('echo'), { txet: 'hello' });
        expect(failed).toMatchObject({ isError: true });
        expect(textOf(failed)).toMatch(/Invalid arguments for echo/);
      },
    },
    {
      name: 'receives an error for an unknown tool or prompt',
      async run({ client, name }) {
        await expect(client.call(name('no_such_tool'))).rejects.toMatchObject({ code: -32_602 });
        await expect(client.prompt(name('no_such_prompt'))).rejects.toMatchObject({ code: -32_602 });
      },
    },
    {
      name: 'receives the error code of its era for an unknown resource',
      async run({ client, clientKind, uri }) {
        const code = clientKind.resourceNotFound;
        await expect(client.read(uri('test://nowhere'))).rejects.toMatchObject({ code });
      },
    },
  ],
};
