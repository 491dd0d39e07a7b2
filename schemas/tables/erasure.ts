import { videoAppeals, videosErased, videosPublished, videosUploaded } from './history.ts';
import type { HistoryTable } from './table.ts';

/** Tables with what a creator wrote and what follows from his pictures, and what a deletion leaves of it. */
export const erasable: readonly { readonly table: HistoryTable; readonly leaves: Readonly<Record<string, string>> }[] = [
  { table: videosUploaded, leaves: { caption: "''", topics: '[]' } },
  { table: videosPublished, leaves: { caption: "''", topics: '[]', visual_vector: "''", sound_vector: "''", placeholder: "''" } },
  { table: videoAppeals, leaves: { words: "''" } },
];
/** Where deletions are written down. */
export const erasures = videosErased;
