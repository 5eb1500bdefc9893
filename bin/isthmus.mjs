#!/usr/bin/env node
import '../scripts/check-node.mjs';

await import('../dist/src/command-line/isthmus-cli.js');
