// The import directions of the house. `tidy.test.ts` runs this.
const adapters = '^infra/(log/kafka|log/kafka-consumer|registry/confluent|warehouse/clickhouse|online/redis|blobs/s3|blobs/s3-uploads|media/ffmpeg|sessions/redis|telemetry/prometheus|inference/onnx-runtime|vectors/hnsw|[a-z]+/memory)\\.ts$';
const tests = '(\\.test\\.ts$|^infra/testing/|^topologies/faults/|^topologies/engine/guide/|^infra/bench/|^infra/interop/|^schemas/guide/)';
const roots = '(/main\\.ts$|-worker\\.ts$|^infra/adapters\\.ts$|^infra/stack/supervisor\\.ts$|^infra/cli/)';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, dependencyTypesNot: ['type-only'] } },
    { name: 'schemas-are-pure', comment: 'what a thing means imports no client and no other folder', severity: 'error', from: { path: '^schemas/', pathNot: tests }, to: { path: '^(topologies|jobs|serving|infra|node_modules)/' } },
    { name: 'engines-apart', severity: 'error', from: { path: '^([a-z]+)/engine/' , pathNot: tests }, to: { path: '^(topologies|jobs|serving)/', pathNot: '^$1/' } },
    { name: 'only-roots-know-adapters', severity: 'error', from: { pathNot: `${tests}|${roots}|${adapters}` }, to: { path: adapters } },
    { name: 'only-its-adapter-knows-kafkajs', severity: 'error', from: { pathNot: `^infra/log/kafka|${tests}` }, to: { path: 'node_modules/kafkajs' } },
    { name: 'topologies-jobs-serving-apart', severity: 'error', from: { path: '^(topologies|jobs|serving)/', pathNot: tests }, to: { path: '^(topologies|jobs|serving)/', pathNot: '^$1/' } },
    { name: 'infra-is-below', comment: 'only the CLI, benchmarks, interop and tests stand above the other folders', severity: 'error', from: { path: '^infra/', pathNot: `${tests}|^infra/cli/` }, to: { path: '^(topologies|jobs|serving)/' } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: { doNotFollow: { path: 'node_modules' }, tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' }, enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types'] } },
};
