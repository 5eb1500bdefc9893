import type { ReactNode } from 'react';
import type { Operation } from '../api/index.js';
import { NoSuchPage } from '../components/index.js';
import { usePermissions } from './session.js';

interface PermittedProps {
  readonly operation: Operation;
  readonly children: ReactNode;
}

/** A part of a page with an address of its own, for callers who may use the operation. */
export function Permitted({ operation, children }: PermittedProps) {
  return usePermissions()(operation) ? children : <NoSuchPage />;
}
