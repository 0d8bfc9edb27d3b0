/** Chromium, driven by playwright-core. */
import type { TestContext } from 'node:test';
import { chromium, type Page } from 'playwright-core';

/** Debian's. */
const CHROMIUM = '/usr/bin/chromium';

/** A page, and what went wrong in it. */
export interface Opened {
  readonly page: Page;
  /** Hosts to which the page has sent requests. */
  readonly hosts: ReadonlySet<string>;
  /** What the page threw, and what its policy forbade. */
  readonly errors: readonly string[];
}

/** Opens a page in a browser of its own, which ends with the test. */
export async function openPage(test: TestContext, url: string): Promise<Opened> {
  // Without a sandbox, as root needs it; and without the shared memory that containers have little of.
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'];
  const browser = await chromium.launch({ executablePath: CHROMIUM, args });
  test.after(() => browser.close());
  const page = await browser.newPage();
  const hosts = new Set<string>();
  const errors: string[] = [];
  page.on('request', (request) => hosts.add(new URL(request.url()).host));
  page.on('websocket', (socket) => hosts.add(new URL(socket.url()).host));
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) errors.push(message.text());
  });
  await page.goto(url);
  return { page, hosts, errors };
}
