import { access, constants, rename } from 'node:fs/promises';
import type { Command } from 'commander';
import { baseFeatureCount, rankingFeatures } from '#schemas/features/ranking.ts';
import { entityColumn } from '#schemas/features/sql.ts';
import { featureBucket, snapshotFiles, snapshotStructure, snapshotViews } from '#schemas/tables/feature-files.ts';
import { writeFeastRepository } from '../../../jobs/features/feast-repository.ts';
import { type FeatureSource, joinSettings, pointInTimeSql } from '../../../jobs/features/point-in-time.ts';
import { S3Blobs } from '../../blobs/s3.ts';
import type { Config } from '../../config.ts';
import { ForyouError } from '../../errors.ts';
import { ClickHouseWarehouse } from '../../warehouse/clickhouse.ts';
import { s3Lake } from '../../warehouse/lake.ts';
import { print } from '../output.ts';

const viewNames = snapshotViews.map((v) => v.name);

function chosenViews(names: string | undefined) {
  const wanted = names?.split(',') ?? viewNames;
  const unknown = wanted.filter((name) => !viewNames.includes(name));
  if (unknown.length > 0) throw new ForyouError('input-invalid', `there is no view "${unknown[0]}"`, { fix: `choose of: ${viewNames.join(', ')}` });
  return snapshotViews.filter((v) => wanted.includes(v.name));
}

type Views = ReturnType<typeof chosenViews>;

/** The views whose entity the labels name. Says which column is missing when they cannot be joined. */
async function joinable(warehouse: ClickHouseWarehouse, file: string, source: string, views: Views, all: boolean): Promise<Views> {
  const described = await warehouse.query<{ name: string }>(`DESCRIBE TABLE ${source}`).catch((cause) => {
    throw new ForyouError('input-invalid', `${file} is no Parquet file`, { cause, fix: 'write it with pandas, DuckDB, ClickHouse or Spark' });
  });
  const columns = described.map((row) => row.name);
  const missing = (name: string) =>
    new ForyouError('input-invalid', `${file} has no column "${name}"; it has: ${columns.join(', ')}`, { fix: `add ${name} to every label` });
  if (!columns.includes('event_timestamp')) throw missing('event_timestamp');
  const usable = views.filter((view) => columns.includes(entityColumn(view)));
  const absent = views.find((view) => !columns.includes(entityColumn(view)));
  if (absent && (!all || usable.length === 0)) throw missing(entityColumn(absent));
  return usable;
}

async function joinLabels(config: Config, labels: string, out: string, names: string | undefined): Promise<readonly string[]> {
  const blobs = new S3Blobs(config.s3);
  const lake = s3Lake(config.s3);
  const warehouse = new ClickHouseWarehouse(config.clickhouseUrl, 3_600_000);
  const folder = `_joins/${crypto.randomUUID()}`;
  await access(labels, constants.R_OK).catch((cause) => {
    throw new ForyouError('input-invalid', `cannot read ${labels}`, { cause, fix: 'give a Parquet file with event_timestamp and the ids of entities' });
  });
  try {
    await blobs.putFrom(featureBucket, `${folder}/labels.parquet`, labels);
    const source = lake.location(featureBucket, `${folder}/labels.parquet`);
    const views = await joinable(warehouse, labels, source, chosenViews(names), names === undefined);
    const sources = views.map(
      (view): FeatureSource => ({
        name: view.name,
        rows: lake.location(featureBucket, snapshotFiles(view), snapshotStructure(view)),
        entity: entityColumn(view),
        columns: Object.keys(view.columns),
        view,
      }),
    );
    const sql = pointInTimeSql(source, sources);
    await warehouse.command(`INSERT INTO FUNCTION ${lake.location(featureBucket, `${folder}/out.parquet`)} ${sql} SETTINGS ${joinSettings}`);
    // A download that is cut off leaves what was there.
    await blobs.fetchTo(featureBucket, `${folder}/out.parquet`, `${out}.part`);
    await rename(`${out}.part`, out);
    return views.map((view) => view.name);
  } finally {
    for (const name of ['labels', 'out']) await blobs.remove(featureBucket, `${folder}/${name}.parquet`).catch(() => {});
    await warehouse.close();
  }
}

export function featureCommands(program: Command, config: () => Config): void {
  const features = program.command('features').description('feature snapshots for training: join them to labels, open them in Feast');

  features
    .command('list')
    .description('names of all features that a ranker may ask for, in the order of a row')
    .option('--json', 'as JSON', false)
    .action(({ json }: { json: boolean }) =>
      print(
        rankingFeatures.map((feature, i) => ({ feature, logged: i < baseFeatureCount ? 'as served' : 'follows from the others' })),
        json,
      ),
    );

  features
    .command('join')
    .description('point-in-time join: for each label what its features were at its event_timestamp')
    .requiredOption('--labels <file>', 'Parquet with event_timestamp and the entity columns (video_id, user_id, creator_id)')
    .requiredOption('--out <file>', 'where the joined Parquet goes')
    .option('--views <names>', `some of ${viewNames.join(',')}`)
    .action(async ({ labels, out, views }: { labels: string; out: string; views?: string }) => {
      print([{ written: out, views: (await joinLabels(config(), labels, out, views)).join(', ') }], false);
    });

  features
    .command('feast')
    .description('write a Feast repository over a copy of the snapshots')
    .argument('<directory>')
    .action(async (directory: string) => print([{ repository: directory, files: await writeFeastRepository(new S3Blobs(config().s3), directory) }], false));
}
