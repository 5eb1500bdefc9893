import { QueryClientProvider } from '@tanstack/react-query';
import { CSPProvider } from '@base-ui/react/csp-provider';
import { Router } from 'wouter';
import { queryClient } from '../api/index.js';
import { ToastProvider } from '../components/index.js';
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
      {/* The content security policy permits no style elements. */}
      <CSPProvider disableStyleElements>
        <QueryClientProvider client={queryClient}>
          <Router {...ROUTER_OPTIONS}>
            <ToastProvider>
              <SessionBoundary>
                <Shell />
              </SessionBoundary>
              <LeaveDialog />
            </ToastProvider>
          </Router>
        </QueryClientProvider>
      </CSPProvider>
    </ErrorBoundary>
  );
}
