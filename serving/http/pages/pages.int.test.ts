/// <reference lib="dom" />
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { connect, disconnect } from '#infra/adapters.ts';
import { uploadFile } from '#infra/cli/upload-client.ts';
import type { Config } from '#infra/config.ts';
import { makeClip } from '#infra/media/make-clip.ts';
import { EventProducer } from '#infra/producer/producer.ts';
import { openBrowser } from '#infra/testing/browser.ts';
import { sharedConfig } from '#infra/testing/shared-stack.ts';
import { eventually } from '#infra/testing/test-stack.ts';
import { uploadLimits } from '#schemas/config/media.ts';
import { videoPublished } from '#schemas/events/video-published.ts';
import { makeCatalogue } from '../../../jobs/simulate/catalogue.ts';
import { runTopologies } from '../../../topologies/main.ts';
import { serve } from '../../main.ts';
import { signToken } from '../auth.ts';

const config: Config = { ...sharedConfig(inject('stackEnvironment')), limits: { perUserPerMinute: 5_000, perAddressPerMinute: 100_000 } };
const adapters = connect(config, 'pages-test');
const url = `http://${config.host}:${config.ports.serving}`;
const folder = mkdtempSync(join(tmpdir(), 'foryou-pages-'));
const stops: (() => Promise<void>)[] = [];
const wait = { timeout: 60_000 };
let browser: Browser;
let clip: Buffer;
let page: Page;
const wrong: string[] = [];

beforeAll(async () => {
  for (const name of ['online', 'history', 'processing']) stops.push((await runTopologies(config, name)).stop);
  stops.push((await serve(config)).stop);
  clip = await readFile(await makeClip(join(folder, 'clip.mp4'), { seconds: 16, size: '1280x720', rate: 25 }));
  browser = await openBrowser(process.env['PATH'] ?? '');
});
afterEach(() => page.close());
afterAll(async () => {
  await browser?.close();
  for (const stop of stops.reverse()) await stop();
  await disconnect(adapters);
  rmSync(folder, { recursive: true, force: true });
});

const token = (user: string, scopes: string[] = []) => signToken(config.jwt, user, scopes, 600);
async function open(path: string, user: string, scopes: string[] = []): Promise<Page> {
  page = await browser.newPage({ viewport: { width: 1_000, height: 900 } });
  wrong.length = 0;
  page.on('pageerror', (error) => wrong.push(error.message));
  await page.goto(`${url}${path}#token=${await token(user, scopes)}`);
  return page;
}

/** As a person drops it: the page sees a file of that name. */
async function drop(name: string, bytes: Buffer): Promise<void> {
  const transfer = await page.evaluateHandle(
    ([text, called]) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(atob(text as string), (c) => c.charCodeAt(0))], called as string, { type: 'video/mp4', lastModified: 1 }));
      return data;
    },
    [bytes.toString('base64'), name],
  );
  await page.dispatchEvent('#drop', 'drop', { dataTransfer: transfer });
}

test('studio: a dropped file is sent, goes on after a broken line, plays while it is made, and switches up to its best rendition', async () => {
  await open('/studio', `page-creator-${crypto.randomUUID().slice(0, 8)}`);
  // Behind its last sample a file may hold anything: it is long enough for two parts now.
  const long = Buffer.concat([clip, Buffer.alloc(uploadLimits.partBytes)]);
  let parts = 0;
  await page.route(/partNumber=2/, (route) => (parts++ === 0 ? route.abort() : route.continue()));
  await drop('long.mp4', long);
  const box = page.locator('article').first();
  await box.getByText('the connection broke').waitFor(wait);
  await box.getByRole('button', { name: 'Go on' }).click();
  await box.getByText('goes on: 1 parts are there already').waitFor(wait);
  const seen = new Set<string>();
  await eventually(
    'it is published',
    async () => {
      const state = await box.getAttribute('data-state');
      if (state) seen.add(state);
      return state === 'published';
    },
    90_000,
  );
  expect([...seen]).toContain('playable');
  expect(parts).toBe(2);
  const video = box.locator('video');
  await video.evaluate((v: HTMLVideoElement) => v.play());
  await eventually('the best rendition plays', async () => (await box.locator('.level').textContent())?.startsWith('1280 × 720') === true, 30_000);
  await eventually('it has played', async () => (await video.evaluate((v: HTMLVideoElement) => v.currentTime)) > 6, 30_000);
  const shown = await video.evaluate((v: HTMLVideoElement) => ({ height: v.videoHeight, error: v.error?.message ?? '', seconds: v.duration }));
  expect(shown).toMatchObject({ height: 720, error: '' });
  expect(Math.abs(shown.seconds - 16)).toBeLessThan(0.2);
  expect(wrong).toEqual([]);
});

test('studio: what is no video is rejected, and the page says why', async () => {
  await open('/studio', 'page-creator');
  await drop('letter.mp4', Buffer.from('Dear reader, this is no video. '.repeat(100)));
  const box = page.locator('article[data-state=rejected]');
  await box.waitFor(wait);
  expect(await box.locator('.say').textContent()).toMatch(/was rejected.*video/i);
  expect(wrong).toEqual([]);
});

test('review: what was held is shown with its reason, plays, and is published by a decision that names one', async () => {
  const creator = `page-held-${crypto.randomUUID().slice(0, 8)}`;
  const videoId = await uploadFile({ url, token: await token(creator) }, clip, { type: 'video/mp4', caption: 'buy followers, today only', topics: ['spam'] });
  await eventually(
    'it waits in the queue',
    async () => {
      const answer = await fetch(`${url}/api/v1/moderation/queue`, { headers: { authorization: `Bearer ${await token('rita', ['moderator'])}` } });
      return ((await answer.json()) as { items: { videoId: string }[] }).items.some((i) => i.videoId === videoId);
    },
    60_000,
  );
  await open('/review', 'rita', ['moderator']);
  const box = page.locator(`article[data-video="${videoId}"]`);
  await box.getByText('looks like spam').waitFor(wait);
  await box.getByRole('button', { name: 'Watch it' }).click();
  await eventually('it plays', async () => (await box.locator('video').evaluate((v: HTMLVideoElement) => v.currentTime)) > 0.5, 30_000);
  await box.getByRole('button', { name: 'Publish' }).click();
  expect(await page.locator('#problem').textContent()).toBe('Give a reason first.');
  await box.getByLabel('Reason').fill('it sells gardens');
  await box.getByRole('button', { name: 'Publish' }).click();
  await page.locator(`article[data-video="${videoId}"][data-decided=approve]`).waitFor(wait);
  await eventually(
    'it is published',
    async () =>
      ((await (await fetch(`${url}/api/v1/video/${videoId}`, { headers: { authorization: `Bearer ${await token(creator)}` } })).json()) as { state: string })
        .state === 'published',
  );
  expect(wrong).toEqual([]);
});

test('explain: a page of the feed with its candidates, and what a swipe changed', async () => {
  await new EventProducer(adapters).send(videoPublished, makeCatalogue(60, 99, Date.now()));
  await open('/explain', `page-viewer-${crypto.randomUUID().slice(0, 8)}`, ['explain']);
  await eventually('there is something to show', async () => {
    await page.getByRole('button', { name: 'Show the next page' }).click();
    return (await page.locator('#items article').count()) === 10;
  });
  expect(await page.locator('#stages .stage').count()).toBe(4);
  await page.locator('#items article').first().getByRole('button', { name: 'Watch it' }).click();
  await page.getByText('What the swipe changed').waitFor(wait);
  expect(await page.locator('#change tbody tr').count()).toBeGreaterThanOrEqual(10);
  expect(wrong).toEqual([]);
});
