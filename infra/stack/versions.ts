/** Versions of the engines: the native stack installs these, and compose.yml must name the same. */
export const versions = {
  kafka: '4.1.0',
  registry: '3.0.9',
  /** The npm package carries the server; the image of the same release is the last part's twin. */
  clickhouse: '26.7.3',
  redis: '7.0',
  s3: '1.8.0',
  /** Weights of a classifier of pictures, from npm. */
  pictureModel: '4.4.0',
} as const;
