/** Works whose owners said what may be done with them; the newest row of a work holds. */
export const registeredWorksTable = `CREATE TABLE IF NOT EXISTS registered_works
  (work_id String, title String, owner String, decision LowCardinality(String), regions Array(LowCardinality(String)),
   words Array(UInt32), registered_at DateTime64(3, 'UTC'))
  ENGINE = ReplacingMergeTree(registered_at) ORDER BY work_id`;

/** Where each word of a fingerprint occurs. */
export const workWordsTable = `CREATE TABLE IF NOT EXISTS work_words
  (word UInt32, work_id String, position UInt32)
  ENGINE = ReplacingMergeTree ORDER BY (word, work_id, position)`;
