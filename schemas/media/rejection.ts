/** Why an upload did not become a video, as a closed list, with the words that its creator reads. */
export const rejections = {
  empty: 'The file is empty.',
  notAVideo: 'The file is not a video in a format that we can read.',
  damaged: 'The file is damaged: it could not be read to its end.',
  tooShort: 'The video is too short.',
  tooLong: 'The video is too long.',
  tooLarge: 'The file or its picture is too large.',
  tooSmall: 'The picture is too small.',
  tooCostly: 'The file could not be read within the limits that protect everybody else.',
  checksumDiffers: 'The file is not the one that was announced: its checksum differs.',
  malware: 'The file contains something harmful.',
  policyText: 'The caption or a hashtag is against the rules.',
  policyPicture: 'The picture is against the rules.',
  policyReview: 'A reviewer found that the video is against the rules.',
  rights: 'The sound belongs to somebody who does not allow its use.',
  withdrawn: 'You withdrew the video before it was published.',
  processingFailed: 'We could not process the file. It is kept, and we look into it.',
} as const satisfies Record<string, string>;
export type Rejection = keyof typeof rejections;
export const rejectionReasons = Object.keys(rejections) as Rejection[];
