import { QueryClientProvider } from '@tanstack/react-query';
import { Router } from 'wouter';
import { queryClient } from '../api/index.js';
import { Toasts } from '../components/index.js';
import { ROUTER_OPTIONS } from '../navigation/index.js';
import { SessionBoundary } from '../session/index.js';
import './tokens.css';
import './global.css';
import { ErrorBoundary } from './ErrorBoundary.js';
import { LeaveDialog } from './LeaveDialog.js';
import { Shell } from './Shell.js';
import './theme.js';

export function App() {
  return (
    <ErrorBoundary>
      <QueryClientProvider client={queryClient}>
        <Router {...ROUTER_OPTIONS}>
          <SessionBoundary>
            <Shell />
          </SessionBoundary>
          <LeaveDialog />
          <Toasts />
        </Router>
      </QueryClientProvider>
    </ErrorBoundary>
  );
}
