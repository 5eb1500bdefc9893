import react from '@vitejs/plugin-react';
import { defineConfig, type ProxyOptions } from 'vite';
import { bundleWeight } from './scripts/bundle-weight.mjs';
import { compressedFiles } from './scripts/compressed-files.mjs';

/** Compressed size of all scripts and styles together, which the build may not exceed. */
const MAX_WEIGHT_BYTES = 200 * 1024;
/** What the gateway answers below the path of the page. */
const ANSWERED_BY_GATEWAY = ['^/admin/v1/', '^/admin/ui/(?:session|login-options|login|callback|mcp/)'];

export default defineConfig(({ command }) => ({
  root: import.meta.dirname,
  // Relative addresses work below any path prefix. The development server needs the path that the gateway uses.
  base: command === 'build' ? './' : '/admin/ui/',
  plugins: [react(), bundleWeight(MAX_WEIGHT_BYTES), compressedFiles()],
  build: {
    outDir: '../dist/ui',
    emptyOutDir: true,
    // The content security policy permits no `data:` addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { host: '127.0.0.1', proxy: Object.fromEntries(ANSWERED_BY_GATEWAY.map((path) => [path, toGateway()])) },
}));

/** Forwards to the gateway at `ISTHMUS_URL`, as if the page came from there. `ISTHMUS_TOKEN` replaces a login. */
function toGateway(): ProxyOptions {
  const { ISTHMUS_URL: target = 'http://127.0.0.1:4444', ISTHMUS_TOKEN: token } = process.env;
  return {
    target,
    changeOrigin: true,
    headers: { origin: new URL(target).origin, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
  };
}
