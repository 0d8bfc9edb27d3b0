/** The page examples/sim-page in Chromium: a simulated network that runs there and is drawn. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { start, unlessInstalled } from '../e2e/programs.js';
import { openPage } from './browser.js';

const SERVER = fileURLToPath(new URL('../../../examples/sim-page/serve.mjs', import.meta.url));
const PHONE = { width: 390, height: 844 };

interface Run {
  readonly verdict: string;
  readonly figures: string;
  readonly log: string;
}

/** Opens the page, stopped, with the time as fast as it goes. */
async function open(test: TestContext): Promise<{ page: Page; errors: readonly string[]; url: string }> {
  const server = start(test, process.execPath, [SERVER, '0']);
  const [url] = await server.stdout.line(/^http:.*$/);
  const { page, errors, hosts } = await openPage(test, url);
  await page.click('#run');
  assert.deepEqual([...hosts], [new URL(url).host], 'nothing comes from elsewhere');
  await page.locator('#speed').fill('7');
  return { page, errors, url };
}

/** Runs with the present settings from the start until all is over. */
async function run(page: Page): Promise<Run> {
  await page.click('#restart');
  if ((await page.textContent('#run')) === 'Start') await page.click('#run');
  await page.locator('#run').filter({ hasText: 'Start' }).waitFor();
  const text = async (id: string): Promise<string> => (await page.textContent(id)) ?? '';
  return { verdict: await text('#verdict'), figures: await text('#figures'), log: await text('#log') };
}

/** Returns the share of a canvas's pixels that have a colour. */
function painted(page: Page, id: string): Promise<number> {
  return page.evaluate<number>(`(() => {
    const canvas = document.querySelector('${id}');
    const { width, height } = canvas;
    const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data;
    return pixels.filter((value, index) => index % 4 === 3 && value > 0).length / (width * height);
  })()`);
}

describe('the page of a simulated network', { skip: unlessInstalled('chromium'), timeout: 120_000 }, () => {
  it('carries the whole file, also with loss, and draws it', async (test) => {
    const { page, errors } = await open(test);
    const { verdict, figures } = await run(page);
    assert.match(verdict, /^The server has 200,000 bytes, after \d+\.\d\d s$/);
    assert.match(figures, /Acknowledged200 kB/);
    for (const id of ['#sequence', '#window', '#acked', '#stage']) {
      assert.ok((await painted(page, id)) > 0.01, id);
    }
    assert.deepEqual(errors, []);
  });

  it('repeats a run by its seed, and another seed gives another one', async (test) => {
    const { page } = await open(test);
    await page.locator('#loss').fill('5');
    const first = await run(page);
    const second = await run(page);
    // The time at which the screen notices the end is not a part of the run.
    assert.deepEqual([second.verdict, second.log], [first.verdict, first.log]);
    await page.fill('#seed', '2');
    assert.notEqual((await run(page)).verdict, first.verdict);
  });

  it('takes one packet at a time, loses the one that it shall, and shows that it is sent again', async (test) => {
    const { page } = await open(test);
    await page.locator('#loss').fill('0');
    await page.click('#restart');
    await page.click('#step');
    assert.match((await page.textContent('#log')) ?? '', /client → server {2}SYN/);
    await page.click('#step');
    await page.click('#step');
    await page.click('#drop');
    await page.locator('#speed').fill('6');
    await page.click('#run');
    await page.locator('#run').filter({ hasText: 'Start' }).waitFor();
    const figures = (await page.textContent('#figures')) ?? '';
    assert.match(figures, /Lost1Sent again[1-9]/);
    assert.match((await page.textContent('#verdict')) ?? '', /200,000 bytes/);
  });

  it('a link that is cut carries nothing until it is joined', async (test) => {
    const { page } = await open(test);
    await page.click('#restart');
    await page.click('#cut');
    await page.locator('#speed').fill('7');
    await page.click('#run');
    await page.waitForFunction('document.querySelector("#log").childElementCount >= 2');
    assert.match((await page.textContent('#figures')) ?? '', /Acknowledged0 B/);
    await page.click('#cut');
    await page.locator('#verdict').filter({ hasText: '200,000 bytes' }).waitFor();
  });

  it('fits a phone, in both colour schemes', async (test) => {
    const { page, errors } = await open(test);
    await page.setViewportSize(PHONE);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await run(page);
      const width = await page.evaluate<number>('document.documentElement.scrollWidth');
      assert.equal(width, PHONE.width, 'nothing is beside the window');
    }
    assert.deepEqual(errors, []);
  });

  it('stands still for those who want no moving pictures', async (test) => {
    const { page, url } = await open(test);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.goto(url);
    await page.locator('#programs').filter({ hasText: 'AsyncServer' }).waitFor();
    assert.equal(await page.textContent('#run'), 'Start');
  });
});
