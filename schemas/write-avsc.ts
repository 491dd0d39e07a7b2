import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { avroOf } from './events/avro.ts';
import { contracts } from './events/index.ts';

// Writes the .avsc files for producers in other languages: make schemas
const folder = join(import.meta.dirname, 'avro');
mkdirSync(folder, { recursive: true });
for (const contract of contracts) writeFileSync(join(folder, `${contract.topic}.avsc`), `${JSON.stringify(avroOf(contract), null, 2)}\n`);
