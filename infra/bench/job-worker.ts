import { runJob } from '../../jobs/engine/job.ts';
import { jobPorts, jobs } from '../../jobs/main.ts';
import { disconnect } from '../adapters.ts';
import { readConfig } from '../config.ts';

/** Runs one job and prints its seconds, its rows and the most memory that this process held. */
const [name, hour, settled] = process.argv.slice(2) as [string, string, string];
const ports = jobPorts(readConfig(), 'bench-job');
const job = jobs.find((j) => j.name === name);
if (!job) throw new TypeError(`there is no job ${name}`);
// Rows were put into the warehouse directly: the log knows nothing of them, so what is settled is told.
const log = { ...ports.log, committedOf: async () => [{ partition: 0, offset: Number(settled) }] };
const began = performance.now();
const results = await runJob(job, { ...ports, log: log as unknown as typeof ports.log }, { hour: new Date(hour) });
console.log(JSON.stringify({ seconds: (performance.now() - began) / 1_000, rows: results?.['rows'] ?? 0, mb: process.resourceUsage().maxRSS / 1_024 }));
await disconnect(ports);
process.exit(0);
