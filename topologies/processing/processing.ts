import type { AnyTask } from '../engine/dag.ts';
import { classify } from './tasks/classify.ts';
import { findCopy } from './tasks/find-copy.ts';
import { ladder } from './tasks/ladder.ts';
import { listen } from './tasks/listen.ts';
import { matchSound } from './tasks/match-sound.ts';
import { moderate, readText } from './tasks/moderate.ts';
import { packaged } from './tasks/package.ts';
import { probe } from './tasks/probe.ts';
import { scan } from './tasks/scan.ts';
import { scenes } from './tasks/scenes.ts';
import { sound } from './tasks/sound.ts';
import { thumbnails } from './tasks/thumbnails.ts';
import { vectors } from './tasks/vectors.ts';

/** From a creator's file to a stream, as one screen of tasks; each says what it needs. */
export const processing = [
  readText,
  probe,
  scan,
  sound,
  ladder,
  listen,
  matchSound,
  scenes,
  findCopy,
  vectors,
  thumbnails,
  classify,
  moderate,
  packaged,
] as const satisfies readonly AnyTask[];

/** Tasks side by side: the ladder uses all processors by itself, the rest is small. */
export const processingConcurrency = 2;
