import { Component, type ReactNode } from 'react';
import { Problem } from '../components/index.js';
import styles from './ErrorBoundary.module.css';

interface ErrorBoundaryState {
  readonly cause: Error | undefined;
}

/** Shows a failure of the page itself. A page whose code cannot be loaded is one of a gateway that was updated meanwhile. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, ErrorBoundaryState> {
  override readonly state: ErrorBoundaryState = { cause: undefined };

  static getDerivedStateFromError(cause: Error): ErrorBoundaryState {
    return { cause };
  }

  override render(): ReactNode {
    const { cause } = this.state;
    if (!cause) return this.props.children;
    return (
      <div className={styles['failure']}>
        <Problem cause={cause} retry={() => window.location.reload()} />
      </div>
    );
  }
}
