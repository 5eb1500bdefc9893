import { Select } from '../../components/index.js';
import { useQueryParameter } from '../../navigation/index.js';
import { useWorkers } from './session-queries.js';

const SHOWN_LENGTH = 8;

/** The worker whose entries are shown. Empty: all. */
export const useWorkerFilter = (): ReturnType<typeof useQueryParameter> => useQueryParameter('worker');

/** Chooses the worker whose entries are shown. */
export function WorkerFilter() {
  const [worker, setWorker] = useWorkerFilter();
  const workers = useWorkers().data?.items ?? [];
  const known = workers.map(({ id, host }) => [id, `${id.slice(0, SHOWN_LENGTH)} at ${host}`] as const);
  // An address may name a worker that has ended.
  const ended = worker === '' || workers.some(({ id }) => id === worker) ? [] : [[worker, worker] as const];
  return (
    <Select
      aria-label="Owner"
      options={{ '': 'All workers', ...Object.fromEntries([...known, ...ended]) }}
      value={worker}
      onChange={({ target }) => setWorker(target.value)}
    />
  );
}
