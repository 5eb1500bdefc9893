import {
  Badge,
  Caller,
  Copyable,
  Definitions,
  JsonView,
  PageLink,
  Panel,
  Time,
  type Tone,
} from '../../components/index.js';
import { usePermissions } from '../../session/index.js';
import { ApproveButton, RefuseButton } from './ApprovalActs.js';
import type { Approval } from './session-queries.js';
import styles from './sessions.module.css';

const TONES: Readonly<Record<Approval['state'], Tone>> = {
  pending: 'warning',
  approved: 'good',
  used: 'good',
  refused: 'bad',
  expired: 'neutral',
};

/** A call that waits for an admin, or has waited. */
export function ApprovalPanel({ approval }: { readonly approval: Approval }) {
  const { item, server, state, message, arguments: args, isWithoutArguments } = approval;
  const may = usePermissions();
  const isPending = state === 'pending';
  return (
    <Panel
      title={`${item} of ${server}`}
      actions={
        <>
          <Badge tone={TONES[state]}>{state}</Badge>
          {isPending && may('POST /approvals/{id}/refuse') && <RefuseButton approval={approval} />}
          {isPending && may('POST /approvals/{id}/approve') && <ApproveButton approval={approval} />}
        </>
      }
    >
      <p className={styles['message']}>{message}</p>
      <div className={styles['facts']}>
        <Definitions items={factsOf(approval)} />
        {args !== undefined && <JsonView label="Arguments" value={args} />}
        {isWithoutArguments && <p className={styles['muted']}>The arguments are too long to be shown.</p>}
      </div>
    </Panel>
  );
}

function factsOf(approval: Approval) {
  const { caller, server, requestId, askedAt, expiresAt, decidedBy, decidedAt, reason, argumentsDigest } = approval;
  return {
    Caller: <Caller principal={`${caller.issuer}|${caller.subject}`} />,
    Server: <PageLink to={`/servers/${server}`}>{server}</PageLink>,
    Asked: <Time at={askedAt} />,
    Expires: <Time at={expiresAt} />,
    'Decided by': decidedBy && <Caller principal={`${decidedBy.issuer}|${decidedBy.subject}`} />,
    Decided: decidedAt === undefined ? undefined : <Time at={decidedAt} />,
    Reason: reason,
    Request: <Copyable text={requestId} what="the id of the request" />,
    'Digest of the arguments': <Copyable text={argumentsDigest} what="the digest of the arguments" />,
  };
}
