import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiProblem } from '../../api/index.js';
import { Button, ConfirmDialog, notify } from '../../components/index.js';
import { drainWorker, type Worker } from './session-queries.js';

const isOnlyWorker = (cause: Error | null): boolean =>
  cause instanceof ApiProblem && cause.reason === 'confirmation_required';

/** Drains a worker. The API asks again if it is the only one, because then the gateway stops. */
export function DrainButton({ worker: { id } }: { readonly worker: Worker }) {
  const [isAsking, setIsAsking] = useState(false);
  const drain = useMutation({ mutationFn: (stopsGateway: boolean) => drainWorker(id, stopsGateway) });
  const stopsGateway = isOnlyWorker(drain.error);
  const close = () => {
    setIsAsking(false);
    drain.reset();
  };
  const confirm = () =>
    drain.mutate(stopsGateway, {
      onSuccess: () => {
        notify('The worker drains.');
        close();
      },
    });
  return (
    <>
      <Button size="small" onClick={() => setIsAsking(true)}>
        Drain
      </Button>
      <ConfirmDialog
        title={`Drain worker ${id.slice(0, 8)}?`}
        isOpen={isAsking}
        confirmLabel={stopsGateway ? 'Stop the gateway' : 'Drain'}
        isDangerous
        isPending={drain.isPending}
        error={drain.error}
        onConfirm={confirm}
        onClose={close}
      >
        Its calls finish, its sessions move to other workers, and the process ends, as after SIGTERM. Whatever started
        the process may start another one.
      </ConfirmDialog>
    </>
  );
}
