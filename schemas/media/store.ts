/**
 * Where media lies in the object store. Originals and what is known of them are in a bucket that only the platform
 * reads; what players read is in another one.
 */
export const quarantine = 'foryou-quarantine';
export const mediaBucket = 'foryou-media';

/** Originals are read again only when a video is made anew: old ones move to cheaper classes that still answer at once. */
export const originalsAge = [
  { prefix: 'originals/', afterDays: 30, storageClass: 'STANDARD_IA' },
  { prefix: 'originals/', afterDays: 180, storageClass: 'GLACIER_IR' },
] as const;

/** A user id may hold anything; a key may not. */
const folderOf = (userId: string): string => Buffer.from(userId).toString('base64url');

export const mediaKeys = {
  /** Never written twice, never removed by processing. */
  original: (videoId: string): string => `originals/${videoId}`,
  /** An upload that was begun, until it is swept. */
  upload: (userId: string, uploadId: string): string => `uploads/begun/${folderOf(userId)}/${uploadId}.json`,
  uploadsOf: (userId: string): string => `uploads/begun/${folderOf(userId)}/`,
  allUploads: 'uploads/begun/',
  /** That it was completed, and when. */
  completed: (userId: string, uploadId: string, atMs: number): string => `uploads/completed/${folderOf(userId)}/${atMs}-${uploadId}`,
  completedOf: (userId: string): string => `uploads/completed/${folderOf(userId)}/`,
  allCompleted: 'uploads/completed/',
  /** Which videos are of a content. */
  user: (sha256: string, videoId: string): string => `users/${sha256}/${videoId}`,
  usersOf: (sha256: string): string => `users/${sha256}/`,
  contentResults: (sha256: string): string => `results/content/${sha256}/`,
  videoResults: (videoId: string): string => `results/video/${videoId}/`,
  /** How an upload ended, written once. */
  outcome: (videoId: string): string => `outcomes/${videoId}.json`,
  /** A video that is ready and waits for a reviewer. */
  held: (videoId: string): string => `held/${videoId}.json`,
  /** Folders of the above, to list. */
  allOriginals: 'originals/',
  allOutcomes: 'outcomes/',
  allHeld: 'held/',
  allUsers: 'users/',
  allContent: 'content/',
  /** In the media bucket: everything that was made of a content. */
  content: (sha256: string): string => `content/${sha256}`,
} as const;
