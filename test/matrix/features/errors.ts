import { expect } from 'expect';
import { textOf } from '../../support/sdk-client.js';
import type { FeatureGroup } from '../feature.js';

export const ERRORS: FeatureGroup = {
  title: 'Errors',
  features: [
    {
      name: "gets a server's error with its code, message and data",
      async run({ client, name }) {
        const call = client.call(name('throw_error'), { code: -31_999, message: 'so it is' });
        await expect(call).rejects.toMatchObject({
          code: -31_999,
          message: expect.stringContaining('so it is'),
          data: { thrownBy: 'throw_error' },
        });
      },
    },
    {
      name: 'gets what a tool failed at as a result',
      async run({ client, name }) {
        const failed = await client.call(name('test_error_handling'));
        expect(failed).toMatchObject({ isError: true });
        expect(textOf(failed)).toMatch(/intentionally/);
      },
    },
    {
      name: 'gets what is wrong with its arguments as a result',
      async run({ client, name }) {
        const failed = await client.call(name('echo'), { txet: 'hello' });
        expect(failed).toMatchObject({ isError: true });
        expect(textOf(failed)).toMatch(/Invalid arguments for echo/);
      },
    },
    {
      name: 'is told that a tool or a prompt is not there',
      async run({ client, name }) {
        await expect(client.call(name('no_such_tool'))).rejects.toMatchObject({ code: -32_602 });
        await expect(client.prompt(name('no_such_prompt'))).rejects.toMatchObject({ code: -32_602 });
      },
    },
    {
      name: 'is told in the code of its era that a resource is not there',
      async run({ client, clientKind, uri }) {
        const code = clientKind.resourceNotFound;
        await expect(client.read(uri('test://nowhere'))).rejects.toMatchObject({ code });
      },
    },
  ],
};
