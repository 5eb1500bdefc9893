import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Button, ConfirmButton, Dialog, Field, notify, Problem, TextInput } from '../../components/index.js';
import { approve, refuse, type Approval } from './session-queries.js';

interface ActProps {
  readonly approval: Approval;
}

export function ApproveButton({ approval: { id, item, server, caller } }: ActProps) {
  return (
    <ConfirmButton
      label="Approve"
      title={`Approve ${item} of ${server}?`}
      variant="primary"
      size="small"
      act={() => approve(id)}
      onDone={() => notify(`Approved ${item}.`)}
    >
      The call of {caller.subject} then runs once, with exactly these arguments.
    </ConfirmButton>
  );
}

export function RefuseButton({ approval: { id, item, server } }: ActProps) {
  const [isAsking, setIsAsking] = useState(false);
  const [reason, setReason] = useState('');
  const { mutate, isPending, error } = useMutation({ mutationFn: () => refuse(id, reason.trim()) });
  const confirm = () =>
    mutate(undefined, {
      onSuccess: () => {
        setIsAsking(false);
        notify(`Refused ${item}.`);
      },
    });
  const actions = (
    <>
      <Button onClick={() => setIsAsking(false)}>Cancel</Button>
      <Button variant="danger" disabled={isPending} onClick={confirm}>
        Refuse
      </Button>
    </>
  );
  return (
    <>
      <Button variant="danger" size="small" onClick={() => setIsAsking(true)}>
        Refuse
      </Button>
      <Dialog
        title={`Refuse ${item} of ${server}?`}
        isOpen={isAsking}
        onClose={() => setIsAsking(false)}
        description="The call does not run. Its caller receives the reason."
        actions={actions}
      >
        <Field label="Reason">
          {(field) => (
            <TextInput {...field} maxLength={300} value={reason} onChange={({ target }) => setReason(target.value)} />
          )}
        </Field>
        {error && <Problem cause={error} />}
      </Dialog>
    </>
  );
}
