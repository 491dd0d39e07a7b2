import { join } from 'node:path';
import type { Command } from 'commander';
import { uploadsOf } from '../../blobs/s3-uploads.ts';
import { type Config, environmentOf, repoRoot } from '../../config.ts';
import { ForyouError } from '../../errors.ts';
import { diagnose } from '../../stack/doctor.ts';
import { listens } from '../../stack/engines.ts';
import { ManagedProcess } from '../../stack/managed-process.ts';
import { serviceSpecs } from '../../stack/services.ts';
import { Stack } from '../../stack/stack.ts';
import { Supervisor } from '../../stack/supervisor.ts';
import { print, untilStopped } from '../output.ts';
import { taskList } from '../task-list.ts';

const supervisorProcess = (config: Config): ManagedProcess =>
  new ManagedProcess(
    {
      name: 'supervisor',
      command: process.execPath,
      args: [join(repoRoot, 'infra/cli/main.ts'), 'supervise'],
      cwd: repoRoot,
      env: environmentOf(config),
      ready: async () => (await Promise.all(serviceSpecs(config).map((s) => s.ready().catch(() => false)))).every(Boolean),
      readyWithinMs: 600_000,
      graceMs: 60_000,
    },
    config.stateDir,
  );

export function stackCommands(program: Command, config: () => Config): void {
  program
    .command('up')
    .description('install what is missing and start the whole stack in the background')
    .action(async () => {
      const c = config();
      const supervisor = supervisorProcess(c);
      if (supervisor.runningPid() !== null) return console.log('the stack is up already; foryou status shows it');
      const tasks = taskList();
      const end = tasks.begin(`start the stack (log: ${supervisor.logFile})`);
      try {
        await supervisor.start();
        end();
      } catch (error) {
        await supervisor.stop();
        throw error;
      } finally {
        tasks.close();
      }
      console.log(`feed API http://${c.host}:${c.ports.serving}/docs   token: npx foryou token --user me`);
    });

  program
    .command('down')
    .description('stop the stack; data stay')
    .action(async () => {
      const c = config();
      await supervisorProcess(c).stop();
      for (const orphan of new Stack(c).orphans().reverse()) await orphan.stop();
      console.log('the stack is down');
    });

  program
    .command('supervise', { hidden: true })
    .description('run the stack in the foreground')
    .action(async () => {
      const supervisor = new Supervisor(config());
      const starting = supervisor.start({
        begin(what) {
          console.log(`${what} ...`);
          return () => console.log(`${what} done`);
        },
      });
      const failed = starting.then(() => new Promise<never>(() => {}));
      await untilStopped({ stop: () => supervisor.stop(), failed });
    });

  inspectCommands(program, config);
}

function inspectCommands(program: Command, config: () => Config): void {
  program
    .command('status')
    .description('what runs and answers; exit 1 when something does not')
    .option('--json', 'as JSON', false)
    .action(async ({ json }: { json: boolean }) => {
      const c = config();
      const pids = new Map(new Stack(c).orphans().map((p) => [p.spec.name, p.runningPid()]));
      const { kafka, registry, clickhouseHttp, redis, s3, history, online, jobs, serving } = c.ports;
      const ports = { kafka, registry, clickhouse: clickhouseHttp, redis, ...(c.s3.external ? {} : { s3 }), history, online, jobs, serving };
      const rows = await Promise.all(
        Object.entries(ports).map(async ([name, port]) => ({ name, port, pid: pids.get(name) ?? '-', answers: (await listens(c.host, port)) ? 'yes' : 'no' })),
      );
      print(rows, json);
      if (rows.some((r) => r.answers === 'no'))
        throw new ForyouError('unavailable', 'not everything answers', { fix: 'foryou up starts the stack; foryou doctor says what is wrong' });
    });

  program
    .command('doctor')
    .description('find what is missing or wrong on this machine, and say the fix; exit 1 when something is')
    .option('--json', 'as JSON', false)
    .action(async ({ json }: { json: boolean }) => {
      const findings = await diagnose(config(), uploadsOf(config()));
      print(
        findings.map((f) => ({ check: f.check, ok: f.ok ? 'ok' : 'WRONG', detail: f.detail, fix: f.fix })),
        json,
      );
      const wrong = findings.filter((f) => !f.ok && f.fix !== 'foryou up installs it');
      if (wrong.length > 0) throw new ForyouError('prerequisite-missing', `${wrong.length} of ${findings.length} checks failed`, { fix: wrong[0]?.fix ?? '' });
    });
}
