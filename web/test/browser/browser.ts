/** Chromium with a dashboard, driven by playwright-core. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { chromium, type BrowserContextOptions, type Page } from 'playwright-core';

/** Debian's. */
export const CHROMIUM = '/usr/bin/chromium';

export const FLAGS = [
  // As root needs it; and containers have little shared memory.
  '--no-sandbox',
  '--disable-dev-shm-usage',
  '--disable-gpu',
  // The network is cut off: no name and no address but this machine's is found.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
];

/** A page, and what went wrong in it. */
export interface Opened {
  readonly page: Page;
  /** Hosts to which the page has sent requests. */
  readonly hosts: ReadonlySet<string>;
  /** Errors that the page threw, and that the browser reported, such as of its policy and missing files. */
  readonly errors: readonly string[];
}

/** Opens a dashboard in a browser of its own, which ends with the test; resolves when figures are there. */
export async function openDashboard(
  test: TestContext,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  test.after(() => browser.close());
  const page = await browser.newPage(options);
  const hosts = new Set<string>();
  const errors: string[] = [];
  page.on('request', (request) => hosts.add(new URL(request.url()).host));
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await page.goto(url);
  await page.locator('#link-state[data-level="well"]').waitFor();
  return { page, hosts, errors };
}

/** Waits until an element has a text in it. */
export async function shows(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor({ state: 'visible' });
}

/** Returns true if the element of a selector is wholly in the window, without scrolling. */
export async function isInWindow(page: Page, selector: string): Promise<boolean> {
  const box = await page.locator(selector).first().boundingBox();
  const size = page.viewportSize();
  assert.ok(box !== null && size !== null);
  return box.x >= 0 && box.y >= 0 && box.x + box.width <= size.width && box.y + box.height <= size.height;
}
