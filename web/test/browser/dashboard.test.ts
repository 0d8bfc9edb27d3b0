/// <reference lib="dom" />
/** The page of a dashboard in Chromium: with the connections of this process, and with example figures. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { AsyncServer } from 'asynctcp';
import { startMonitor } from 'asynctcp/monitor';
import { serveDashboard, type DashboardServer, type DashboardServerOptions } from 'asynctcp-web/dashboard';
import type { Page } from 'playwright-core';
import { SYSTEM_STACKS } from '../bed.js';
import { unlessInstalled } from '../programs.js';
import { ExampleMonitor, exampleSnapshot } from '../dashboard/example-monitor.js';
import { isInWindow, openDashboard, shows } from './browser.js';

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
/** Time without progress after which a connection is blocked. */
const BLOCKED_AFTER_MS = 1000;

async function serve(test: TestContext, options: DashboardServerOptions): Promise<DashboardServer> {
  const served = await serveDashboard({ port: 0, ...options });
  test.after(() => served.end());
  return served;
}

/** A monitor with example figures, whose seconds pass until the test is over. */
function example(
  test: TestContext,
  options: { connections?: number; hasTrouble?: boolean } = {},
): ExampleMonitor {
  const monitor = new ExampleMonitor({ atMs: Date.now(), ...options });
  const seconds = setInterval(() => {
    monitor.tick({ ...monitor.snapshot(), atMs: Date.now() });
  }, 200);
  test.after(() => {
    clearInterval(seconds);
  });
  return monitor;
}

const skip = unlessInstalled('chromium');

describe('the dashboard and connections', { skip, timeout: 120_000 }, () => {
  /** Begins an echo server that sends all that it gets, and a dashboard beside it. */
  async function beginEcho(
    test: TestContext,
    stack: 'kernel' | 'node',
  ): Promise<{ page: Page; open: () => Promise<Socket>; server: AsyncServer }> {
    const monitor = startMonitor({ blockedAfterMs: BLOCKED_AFTER_MS });
    const server = new AsyncServer('127.0.0.1', 0, { stack });
    server.onClient((client) => {
      client.onData((_, data) => {
        client.write(data);
      });
    });
    await server.begin();
    const sockets: Socket[] = [];
    const served = await serveDashboard({ port: 0, monitor, title: 'echo' });
    test.after(async () => {
      for (const socket of sockets) socket.destroy();
      await server.end();
      await served.end();
      monitor.end();
    });
    const open = async (): Promise<Socket> => {
      const socket = connect(server.port(), '127.0.0.1').on('error', () => undefined);
      sockets.push(socket);
      await once(socket, 'connect');
      return socket;
    };
    const { page } = await openDashboard(test, served.url());
    return { page, open, server };
  }

  for (const stack of SYSTEM_STACKS) {
    it(`on ${stack} shows those that come, the one that stalls with its cause, and resets it`, async (test) => {
      const { page, open, server } = await beginEcho(test, stack);
      await shows(page, '#listeners li', `127.0.0.1:${server.port()}`);
      await shows(page, '#verdict-text', 'Accepting. No connection is stuck.');
      const well = await open();
      well.resume();
      well.write('hello');
      await shows(page, '#clients tbody tr', `127.0.0.1:${well.localPort ?? 0}`);
      // This peer sends and never reads: the answers fill its window.
      const deaf = await open();
      deaf.pause();
      const fill = (): void => {
        while (deaf.write(Buffer.alloc(65_536)));
      };
      deaf.on('drain', fill);
      fill();
      const name = `127.0.0.1:${deaf.localPort ?? 0}`;
      await shows(page, '#verdict-text', `1 connection is stuck: ${name} does not read.`);
      await shows(page, '#stuck li', 'Peer does not read');
      await shows(page, '#blocked tbody tr', name);
      await shows(page, '#log li', 'blocked');
      const closed = new Promise((resolve) => deaf.on('close', resolve));
      await page.click('#stuck .details');
      await shows(page, '#details-facts', name);
      await page.click('#details-reset');
      await closed;
      await shows(page, '#details-why', 'This connection is over.');
      await page.click('#details-back');
      await shows(page, '#verdict-text', 'Accepting. No connection is stuck.');
      await shows(page, '#log li', 'on demand');
      assert.equal(well.destroyed, false);
    });
  }

  it('shows 1,000 of them in as few elements as 100', async (test) => {
    const { page, open } = await beginEcho(test, 'node');
    await Promise.all(Array.from({ length: 100 }, open));
    await shows(page, '#clients-count', '10 of 101');
    await page.click('#clients-more');
    await shows(page, '#clients-count', '50 of 101');
    const elements = (): Promise<number> => page.evaluate(() => document.querySelectorAll('*').length);
    const few = await elements();
    for (let batch = 0; batch < 9; batch += 1) await Promise.all(Array.from({ length: 100 }, open));
    await shows(page, '#clients-count', '50 of 1,001');
    assert.equal(await page.locator('#clients tbody tr').count(), 50);
    const many = await elements();
    assert.ok(many <= few + 20, `${many} elements after ${few}`);
  });
});

describe('the page of the dashboard', { skip, timeout: 120_000 }, () => {
  it('loads with the network cut off, from its own host alone, under its policy', async (test) => {
    const served = await serve(test, { monitor: example(test) });
    const { page, hosts, errors } = await openDashboard(test, served.url());
    await shows(page, '#charts figure canvas', '');
    assert.equal(await page.locator('#charts canvas').count(), 6);
    assert.deepEqual([...hosts], [new URL(served.url()).host]);
    assert.deepEqual(errors, []);
  });

  it('says on the first screen of a phone which connection is stuck, and why', async (test) => {
    const served = await serve(test, { monitor: example(test) });
    const { page } = await openDashboard(test, served.url(), PHONE);
    await shows(page, '#stuck .why', "The peer's program has not read for");
    assert.ok(await isInWindow(page, '#verdict-text'));
    assert.ok(await isInWindow(page, '#stuck li'));
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.equal(width, PHONE.viewport.width, 'nothing is beside the window');
  });

  it('is read out: the verdict is a live region that changes only with the verdict', async (test) => {
    const monitor = example(test);
    const served = await serve(test, { monitor });
    const { page } = await openDashboard(test, served.url());
    const verdict = page.locator('#verdict-text');
    assert.equal(await verdict.getAttribute('aria-live'), 'polite');
    await verdict.evaluate((element) => {
      new MutationObserver(() => element.setAttribute('data-changed', '')).observe(element, {
        childList: true,
        characterData: true,
        subtree: true,
      });
    });
    const before = await page.locator('#stuck .why').textContent();
    monitor.tick({ ...exampleSnapshot({ atMs: Date.now() + 600_000 }) });
    await page.waitForFunction((text) => document.querySelector('#stuck .why')?.textContent !== text, before);
    assert.equal(await verdict.getAttribute('data-changed'), null);
    monitor.tick(exampleSnapshot({ atMs: Date.now(), hasTrouble: false }));
    await shows(page, '#verdict-text', 'No connection is stuck.');
    await shows(page, '#blocked + .empty, #h-blocked ~ .empty', 'Bytes move on every connection.');
  });

  it('is dark or light as the system is, with contrast in both', async (test) => {
    const served = await serve(test, { monitor: example(test) });
    const { page } = await openDashboard(test, served.url(), { colorScheme: 'light' });
    const contrasts = (): Promise<Record<string, number>> =>
      page.evaluate(() => {
        const canvas = document.createElement('canvas').getContext('2d');
        const luminance = (colour: string): number => {
          if (canvas === null) return 0;
          canvas.fillStyle = colour;
          canvas.fillRect(0, 0, 1, 1);
          const [red = 0, green = 0, blue = 0] = [...canvas.getImageData(0, 0, 1, 1).data].map((part) => {
            const share = part / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        };
        const style = getComputedStyle(document.documentElement);
        const of = (name: string): number => luminance(style.getPropertyValue(`--${name}`).trim());
        const contrast = (one: string, other: string): number => {
          const [low = 0, high = 0] = [of(one), of(other)].sort((a, b) => a - b);
          return (high + 0.05) / (low + 0.05);
        };
        const texts = ['text', 'quiet', 'well', 'strained', 'failed', 'focus'];
        const pairs = texts.flatMap((name) => [[name, 'card'] as const, [name, 'ground'] as const]);
        const all = [
          ...pairs,
          ['strained', 'strained-ground'] as const,
          ['text', 'strained-ground'] as const,
        ];
        return Object.fromEntries(all.map(([one, other]) => [`${one} on ${other}`, contrast(one, other)]));
      });
    const ground = (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    for (const [pair, contrast] of Object.entries(await contrasts()))
      assert.ok(contrast >= 4.5, `light: ${pair} ${contrast}`);
    await page.emulateMedia({ colorScheme: 'dark' });
    assert.notEqual(await ground(), light);
    for (const [pair, contrast] of Object.entries(await contrasts()))
      assert.ok(contrast >= 4.5, `dark: ${pair} ${contrast}`);
  });

  it('is usable with the keyboard alone', async (test) => {
    const monitor = example(test);
    const served = await serve(test, { monitor });
    const { page } = await openDashboard(test, served.url());
    await shows(page, '#stuck li', 'Peer does not read');
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? '');
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'Details');
    await page.keyboard.press('Enter');
    await shows(page, '#details-facts', '198.51.100.23:51234');
    await page.keyboard.press('Escape');
    await page.locator('#details').waitFor({ state: 'hidden' });
    assert.equal(await focused(), 'Details', 'the focus is back');
    await page.focus('#charts .area');
    await page.keyboard.press('ArrowLeft');
    await shows(page, '#chart-note', /\d\d:\d\d:\d\d: accepted \d+/);
    await page.focus('#stuck .details');
    await page.keyboard.press('Enter');
    for (let key = 0; key < 3 && !/^\s*Reset/.test(await focused()); key += 1)
      await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await shows(page, '#details-why', 'This connection is over.');
    assert.deepEqual(monitor.acts, ['reset 37']);
  });

  it('filters on the server, and orders', async (test) => {
    const served = await serve(test, { monitor: example(test) });
    const { page } = await openDashboard(test, served.url());
    await shows(page, '#clients-count', '10 of 47');
    await page.fill('#filter', 'not read');
    await shows(page, '#clients-count', /^1$/);
    await shows(page, '#clients tbody tr', '198.51.100.23:51234');
    await page.fill('#filter', 'nothing such');
    await shows(page, '#clients-more ~ .empty, #h-clients ~ .empty', 'No connection fits.');
    await page.fill('#filter', '');
    await page.selectOption('#order', 'waiting');
    await shows(page, '#clients tbody tr:first-child', '198.51.100.23:51234');
  });

  it('shows names and texts as text, whatever is in them', async (test) => {
    const monitor = example(test);
    const evil = '<img src=x onerror="document.title = 1">';
    const { links, errors } = monitor.snapshot();
    monitor.tick({
      ...monitor.snapshot(),
      links: links.map((link) => ({ ...link, name: evil })),
      errors: errors.map((error) => ({ ...error, cause: `${evil}${error.cause}`, last: evil })),
    });
    monitor.happen({ atMs: Date.now(), kind: 'error', level: 'error', text: evil, connection: null });
    const served = await serve(test, { monitor, title: evil });
    const { page } = await openDashboard(test, served.url());
    for (const place of ['#links', '#errors', '#log', '#title']) await shows(page, place, evil);
    assert.equal(await page.locator('img').count(), 0);
  });

  it('breaks long addresses and names on a phone: the page is no wider than the window', async (test) => {
    const monitor = example(test);
    const { connections, links, listeners, task } = monitor.snapshot();
    const remoteAddress = '2001:db8:85a3:1234:5678:8a2e:370:7334';
    const name = 'gateway-'.repeat(12);
    monitor.tick({
      ...monitor.snapshot(),
      connections: connections.map((figures) => ({ ...figures, remoteAddress })),
      listeners: listeners.map((listener) => ({
        ...listener,
        address: remoteAddress,
        accepting: false,
        why: 'full',
      })),
      links: links.map((link) => ({ ...link, name, host: name, state: 'ended' })),
      task: { ...task, bites: [{ atMs: 1, text: `file:///${name}`, backtrace: [name] }] },
    });
    const served = await serve(test, { monitor, title: name });
    const { page } = await openDashboard(test, served.url(), PHONE);
    await shows(page, '#verdict-text', 'Not accepting');
    assert.deepEqual(await page.evaluate(() => document.documentElement.scrollWidth), PHONE.viewport.width);
  });

  it('says what is not known', async (test) => {
    const monitor = example(test, { connections: 1, hasTrouble: false });
    const { connections, task, totals } = monitor.snapshot();
    const unknown = { roundTripMs: null, retransmissions: null, peerWindow: null, heardAgoMs: null };
    monitor.tick({
      ...monitor.snapshot(),
      totals: { ...totals, limit: null },
      task: { ...task, stackWords: null, stackHighWaterMark: null, callbacks: [] },
      connections: connections.map((figures) => ({ ...figures, ...unknown })),
    });
    const served = await serve(test, { monitor });
    const { page } = await openDashboard(test, served.url());
    await shows(page, '#clients td[data-label="Round trip"]', /^unknown$/);
    await shows(page, '#clients td[data-label="Sent again"]', /^unknown$/);
    await shows(page, '#task', 'Stackunknown');
    await shows(page, '#h-task ~ .empty', 'CONFIG_ASYNC_TCP_DIAGNOSTICS=1');
  });

  it('writes a time just below 100 ms without an exponent', async (test) => {
    const monitor = example(test, { connections: 1, hasTrouble: false });
    const { connections } = monitor.snapshot();
    monitor.tick({
      ...monitor.snapshot(),
      connections: connections.map((figures) => ({ ...figures, roundTripMs: 99.7 })),
    });
    const served = await serve(test, { monitor });
    const { page } = await openDashboard(test, served.url());
    await shows(page, '#clients td[data-label="Round trip"]', /^100 ms$/);
  });

  it('has one entry for each bite, also if two came at one moment', async (test) => {
    const monitor = new ExampleMonitor({ atMs: Date.now() });
    const { task, totals } = monitor.snapshot();
    const bites = ['one', 'other'].map((text) => ({ atMs: 1, text, backtrace: [] }));
    const served = await serve(test, { monitor });
    const { page } = await openDashboard(test, served.url());
    for (const connections of [1001, 1002, 1003]) {
      monitor.tick({
        ...monitor.snapshot(),
        task: { ...task, bites },
        totals: { ...totals, connections },
      });
      await shows(page, '#tiles', connections.toLocaleString('en'));
    }
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    assert.equal(await page.locator('#bites > li').count(), 2);
  });

  it('says that the program is gone, and goes on when it is there again', async (test) => {
    const monitor = example(test);
    const served = await serveDashboard({ port: 0, monitor });
    const port = served.server.port();
    const { page } = await openDashboard(test, served.url());
    await served.end();
    await shows(page, '#link-state[data-level="failed"]', 'connection lost');
    await serve(test, { monitor, port, title: 'again' });
    await shows(page, '#link-state[data-level="well"]', 'live');
    await shows(page, '#title', 'again');
  });

  it('moves nothing for users who want no motion', async (test) => {
    const served = await serve(test, { monitor: example(test) });
    const { page } = await openDashboard(test, served.url(), { reducedMotion: 'reduce' });
    const moving = await page.evaluate(() => {
      document.body.classList.add('stale');
      const styles = [...document.querySelectorAll('*')].map((element) => getComputedStyle(element));
      return styles.filter((style) => style.transitionDuration !== '0s' || style.animationName !== 'none')
        .length;
    });
    assert.equal(moving, 0);
  });

  it('is entered with the token once, by its link or its form', async (test) => {
    const token = 'the-token-of-this-test';
    const served = await serve(test, { monitor: example(test), token });
    const { page } = await openDashboard(test, served.url());
    assert.equal(page.url(), `http://127.0.0.1:${served.server.port()}/`);
    await page.context().clearCookies();
    await page.reload();
    await page.fill('#token', 'not-the-token-of-this-test');
    await page.click('button');
    await shows(page, '[role="alert"]', 'This is not the token.');
    await page.fill('#token', token);
    await page.click('button');
    await shows(page, '#link-state', 'live');
  });
});
