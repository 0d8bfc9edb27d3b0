/** The front end of a lamp, in Chromium, on the twin of the lamp: what its page does when the lamp fails. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { unlessInstalled } from '../e2e/programs.js';
import { openPage } from './browser.js';
import { endExample, startExample, SYSTEM_STACKS } from './example.js';

interface Twin {
  readonly url: string;
  readonly post: (path: string, body: object) => Promise<void>;
  readonly state: () => Promise<unknown>;
}

function twinAt(url: string): Twin {
  const post = async (path: string, body: object): Promise<void> => {
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    assert.ok(answer.ok, `${path}: ${answer.status}`);
  };
  return { url, post, state: async () => (await fetch(`${url}/json/state`)).json() };
}

/** Waits until an element of the page has a text. */
async function shows(page: Page, id: string, text: string): Promise<void> {
  await page
    .locator(`#${id}`)
    .filter({ hasText: new RegExp(`^${text}$`) })
    .waitFor({ state: 'attached' });
}

async function openTwin(test: TestContext, stack: string): Promise<{ twin: Twin; page: Page }> {
  const { url } = await startExample(test, 'device-twin', stack);
  const { page } = await openPage(test, url);
  await shows(page, 'connection', 'connected');
  return { twin: twinAt(url), page };
}

for (const [stack, noStack] of SYSTEM_STACKS) {
  const skip = noStack || unlessInstalled('chromium');
  describe(`device-twin on ${stack}`, { skip, timeout: 120_000 }, () => {
    it('shows and changes the lamp, with nothing from another host', async (test) => {
      const example = await startExample(test, 'device-twin', stack);
      const twin = twinAt(example.url);
      const { page, hosts, errors } = await openPage(test, example.url);
      await shows(page, 'connection', 'connected');
      await shows(page, 'log', 'boot 1');
      assert.equal(await page.inputValue('#brightness'), '128');
      await page.click('#power');
      await shows(page, 'power', 'on');
      await shows(page, 'notice', '');
      assert.deepEqual(await twin.state(), { on: true, brightness: 128 });
      // Another client changes it.
      await twin.post('/json/state', { on: false, brightness: 200 });
      await shows(page, 'power', 'off');
      await shows(page, 'level', '200');
      await page.locator('#log li', { hasText: 'off, brightness 200' }).waitFor();
      assert.deepEqual([...hosts], [new URL(example.url).host]);
      assert.deepEqual(errors, []);
      await endExample(example);
    });

    it('says that a slow lamp is asked, until it has answered', async (test) => {
      const { twin, page } = await openTwin(test, stack);
      await twin.post('/admin/fault', { kind: 'slow', ms: 60_000 });
      await page.click('#power');
      await shows(page, 'notice', 'The lamp is asked\\.');
      await shows(page, 'power', 'off');
      await twin.post('/admin/fault', { kind: 'none' });
      await shows(page, 'power', 'on');
      await shows(page, 'notice', '');
    });

    for (const [kind, notice] of [
      ['unavailable', 'The lamp is busy\\.'],
      ['reset', 'The lamp does not answer\\.'],
    ] as const) {
      it(`asks a lamp that is ${kind} again, until it has made the change`, async (test) => {
        const { twin, page } = await openTwin(test, stack);
        await twin.post('/admin/fault', { kind });
        await page.click('#power');
        await shows(page, 'notice', notice);
        await shows(page, 'power', 'off');
        await twin.post('/admin/fault', { kind: 'none' });
        await shows(page, 'power', 'on');
        await shows(page, 'notice', '');
        assert.deepEqual(await twin.state(), { on: true, brightness: 128 });
      });
    }

    it('finds the lamp again that has rebooted', async (test) => {
      const { twin, page } = await openTwin(test, stack);
      await page.click('#power');
      await shows(page, 'power', 'on');
      await twin.post('/admin/reboot', { ms: 500 });
      await page.locator('#log li', { hasText: 'connection lost' }).waitFor();
      await shows(page, 'boots', '2');
      await shows(page, 'connection', 'connected');
      await shows(page, 'power', 'off');
      await page.locator('#log li', { hasText: 'boot 2' }).waitFor();
    });
  });
}
