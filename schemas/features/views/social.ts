import type { Follow } from '../../events/follow.ts';
import type { RecentView } from '../view.ts';

type Recent = RecentView<Follow>;
/** With `userUnfollows` a last-write-wins set: a creator is followed while the follow is the later of the two. */
export const userFollows: Recent = {
  storage: 'recent',
  name: 'user-follows',
  doc: 'Creators a viewer followed.',
  entity: 'userId',
  key: 'creatorId',
  capacity: 5_000,
  when: (e) => e.kind === 'follow',
};
export const userUnfollows: Recent = {
  storage: 'recent',
  name: 'user-unfollows',
  doc: 'Creators a viewer stopped following.',
  entity: 'userId',
  key: 'creatorId',
  capacity: 5_000,
  when: (e) => e.kind === 'unfollow',
};

export const socialViews = [userFollows, userUnfollows] as const;
