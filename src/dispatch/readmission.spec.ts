import { describe, expect, it } from '@jest/globals';
import { callerOf, LEGACY_CLIENT, remoteServer } from '../../test/support/fake-upstream.js';
import { Readmission, type AdmittedCall } from './readmission.js';

describe('access to a tool that was quarantined after the admission of its call', () => {
  const server = remoteServer('bank');
  const parts = [
    { findFor: () => ({}) },
    { readmitOwn: () => ({ server, kind: 'tools', name: 'pay' }) },
    { checkTool: () => 'quarantined' },
    {},
  ] as unknown as ConstructorParameters<typeof Readmission>;
  const admitted: AdmittedCall = {
    call: {
      server,
      request: { method: 'tools/call', params: { name: 'pay' } },
      caller: callerOf('ada'),
      client: LEGACY_CLIENT,
      requestId: 1,
      clientRepeatsCall: false,
    },
    endpoint: 'default',
  };

  it('is refused, because the question to the caller may have taken long', () => {
    expect(() => new Readmission(...parts).checkAccess(admitted)).toThrow('quarantined');
  });

  it('stays open for a call that its server has begun and waits for', () => {
    expect(() => new Readmission(...parts).checkAccess({ ...admitted, begun: 'unknown' })).not.toThrow();
  });
});

describe('arguments that an extension has changed', () => {
  const server = remoteServer('bank');
  const request = { method: 'tools/call', params: { name: 'pay', arguments: { to: 'Oslo' } } };
  const admitted: AdmittedCall = {
    call: {
      server,
      request,
      caller: callerOf('ada'),
      client: LEGACY_CLIENT,
      requestId: 1,
      clientRepeatsCall: false,
      parameterHeaders: { 'Mcp-Param-To': 'Rome' },
    },
    endpoint: 'default',
  };

  /** Admits them again. The policy decides with `use`; the tool repeats these parameters in headers. */
  function admitAgain(use: object, headers: readonly object[] = []) {
    const judged: unknown[] = [];
    const readmitOwn = (_endpoint: unknown, _server: unknown, reference: object) => {
      judged.push(reference);
      return use;
    };
    const parts = [
      { findFor: () => ({}) },
      { readmitOwn },
      { checkTool: () => undefined, definitionOf: () => undefined },
      { headersFor: async () => headers },
    ] as unknown as ConstructorParameters<typeof Readmission>;
    return { judged, call: new Readmission(...parts).admitChanged(admitted) };
  }

  const pay = { server, kind: 'tools', name: 'pay' };

  it('are judged by the policy instead of those of the client', async () => {
    const { judged, call } = admitAgain({ refusal: 'denied', reason: 'Not to Oslo.', server, name: 'pay' });
    await expect(call).rejects.toMatchObject({
      outcome: { error: { code: -31_009, data: { outcome: 'not_executed' } } },
    });
    expect(judged).toMatchObject([{ args: { to: 'Oslo' } }]);
  });

  it('replace the headers that repeated those of the client', async () => {
    const { call } = admitAgain(pay, [{ header: 'Mcp-Param-To', path: ['to'], type: 'string' }]);
    expect((await call).parameterHeaders).toEqual({ 'Mcp-Param-To': 'Oslo' });
    expect((await admitAgain(pay).call).parameterHeaders).toBeUndefined();
  });
});
