/** Difference hashes of frames of every upload, whole and cut to their middle, by which copies are found. */
export const pictureHashesTable = `CREATE TABLE IF NOT EXISTS picture_hashes
  (video_id String, creator_id String, at_ms UInt32, cut UInt8, hash UInt64)
  ENGINE = ReplacingMergeTree ORDER BY (video_id, at_ms, cut)`;
