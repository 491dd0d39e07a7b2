import { Refusal } from '#infra/media/media.ts';
import { mediaTask } from '../job.ts';

/** Nothing reads the file before this has passed it, where a scanner is configured. */
export const scan = mediaTask({
  name: 'scan',
  version: 1,
  needs: {},
  of: 'content',
  weight: 1,
  async run({ scanner, original }) {
    if (!scanner) return { scanned: false, engine: '' };
    const found = await scanner.scan(original);
    if (found) throw new Refusal('malware', found);
    return { scanned: true, engine: scanner.version };
  },
});
