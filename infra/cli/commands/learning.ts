import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { type ArtifactKind, artifactKinds } from '#schemas/artifacts/manifest.ts';
import { addModel } from '../../../jobs/main.ts';
import { ArtifactStore } from '../../artifacts/store.ts';
import { S3Blobs } from '../../blobs/s3.ts';
import type { Config } from '../../config.ts';
import { ForyouError } from '../../errors.ts';
import { print } from '../output.ts';

function kindNamed(name: string): ArtifactKind {
  const kind = artifactKinds.find((k) => k === name);
  if (!kind) throw new ForyouError('input-invalid', `there is no artifact kind "${name}"`, { fix: `choose one of: ${artifactKinds.join(', ')}` });
  return kind;
}

export function artifactCommands(program: Command, config: () => Config): void {
  const artifacts = program.command('artifacts').description('versions of vectors, indexes and models, and which of them serve');
  const store = () => new ArtifactStore(new S3Blobs(config().s3));

  artifacts
    .command('list')
    .description('all versions, the newest last')
    .option('--kind <kind>', `one of: ${artifactKinds.join(', ')}`)
    .option('--json', 'as JSON', false)
    .action(async ({ kind, json }: { kind?: string; json: boolean }) => {
      const rows = (await Promise.all((kind ? [kindNamed(kind)] : artifactKinds).map((k) => store().list(k)))).flat();
      const text = (values: Readonly<Record<string, number>>) =>
        Object.entries(values)
          .map(([name, value]) => `${name} ${Math.round(value * 1e4) / 1e4}`)
          .join(', ');
      print(
        rows.map(({ manifest: m, running }) =>
          json ? { ...m, running } : { kind: m.kind, version: m.version, serves: running ? 'yes' : '', quality: text(m.quality), counts: text(m.counts) },
        ),
        json,
      );
    });

  artifacts
    .command('promote')
    .description('let a version serve, whatever the gate said of it')
    .argument('<kind>')
    .argument('<version>')
    .action(async (name: string, version: string) => {
      const kind = kindNamed(name);
      await store().promote(kind, version, (await store().pointer(kind))?.fence ?? 0);
      print([{ kind, serves: version }], false);
    });

  artifacts
    .command('add')
    .description('take in a ranker made elsewhere: an ONNX file whose inputs name known features (foryou features list)')
    .argument('<kind>', 'ranker')
    .argument('<file>')
    .action(async (name: string, file: string) => {
      if (kindNamed(name) !== 'ranker')
        throw new ForyouError('input-invalid', `${name} is made by its job alone`, { fix: 'foryou artifacts add ranker FILE.onnx' });
      const bytes = await readFile(file).catch((cause) => {
        throw new ForyouError('input-invalid', `cannot read ${file}`, { cause, fix: 'check the path' });
      });
      const { version, quality, refused } = await addModel(config(), bytes);
      const measured = Object.entries(quality).map(([outcome, q]) => ({
        version,
        outcome,
        auc: q.auc,
        groupAuc: q.groupAuc,
        calibrationError: q.calibrationError,
      }));
      print(measured, false);
      print([{ serves: refused.length === 0 ? version : `no: ${refused.join('; ')}` }], false);
    });

  artifacts
    .command('rollback')
    .description('back to the version that served before')
    .argument('<kind>')
    .action(async (name: string) => print([{ kind: name, serves: await store().rollback(kindNamed(name)) }], false));
}
