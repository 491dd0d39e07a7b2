import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { ForyouError } from '../errors.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

function found(path: string): string | undefined {
  const files = path.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  return files.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A real browser, as people use it; sound is allowed without a press. */
export async function openBrowser(path: string): Promise<Browser> {
  const executablePath = found(path);
  if (!executablePath)
    throw new ForyouError('config-invalid', `none of ${names.join(', ')} is in PATH`, { fix: 'make test installs one; by hand: apt-get install chromium' });
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--disable-gpu'] });
}
