import { Copyable, Definitions, PageLink, Panel } from '../../components/index.js';
import type { AuditedCall } from './record-queries.js';

interface CallFactsProps {
  readonly call: AuditedCall;
}

const EXECUTIONS: Readonly<Record<AuditedCall['execution'], string>> = {
  executed: 'executed',
  not_executed: 'not executed',
  unknown: 'unknown: it may have run',
};

/** What was called, how, and the ids by which other accounts of the call are found. */
export function CallFacts({ call }: CallFactsProps) {
  const { requestId, traceId, session, parkedCall, argumentsDigest, server, item } = call;
  return (
    <Panel title="Call">
      <Definitions
        items={{
          Method: call.rpcMethod,
          Item: <Copyable text={item} what="the name of the item" />,
          Server: <PageLink to={`/servers/${server}`}>{server}</PageLink>,
          Endpoint: `${call.endpoint}, over ${call.transport}`,
          Execution: EXECUTIONS[call.execution],
          Error: call.code,
          Tool: call.isToolError ? 'reported a failure of its own' : undefined,
          Eras: erasOf(call),
          Interceptor:
            call.interception === undefined ? undefined : `${call.interception} by ${call.interceptedBy ?? 'unknown'}`,
          'Request id':
            requestId === undefined ? undefined : <Copyable text={requestId} what="the id of the request" />,
          'Trace id': traceId === undefined ? undefined : <Copyable text={traceId} what="the id of the trace" />,
          Session:
            session === undefined ? undefined : (
              <>
                <Copyable text={session} what="the fingerprint of the session" />{' '}
                <PageLink to={`/calls?session=${encodeURIComponent(session)}`}>its calls</PageLink>
              </>
            ),
          'Parked call':
            parkedCall === undefined ? undefined : <Copyable text={parkedCall} what="the id of the parked call" />,
          'Digest of the arguments':
            argumentsDigest === undefined ? undefined : (
              <Copyable text={argumentsDigest} what="the digest of the arguments" />
            ),
        }}
      />
    </Panel>
  );
}

function erasOf({ clientEra, serverEra }: AuditedCall): string | undefined {
  if (clientEra === undefined && serverEra === undefined) return undefined;
  return `client ${clientEra ?? 'unknown'}, server ${serverEra ?? 'not reached'}`;
}
