import { runGateway } from 'isthmus';
import { AcmeModule } from './acme.module.js';

const { greeting } = await runGateway({ variables: process.env, extensions: [AcmeModule] });
process.stdout.write(greeting);
