/// <reference lib="dom" />
/**
 * Makes the pictures of the dashboard, from example figures at a fixed time: `npm run docs:screenshot` writes
 * docs/dashboard.png; with a folder as its argument, further views for a look at them.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serveDashboard } from 'asynctcp-web/dashboard';
import { chromium, type BrowserContextOptions, type Page } from 'playwright-core';
import { ExampleMonitor } from '../dashboard/example-monitor.js';
import { CHROMIUM, FLAGS } from './browser.js';

const AT = Date.UTC(2026, 0, 15, 10, 30, 12);
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

interface View {
  readonly name: string;
  readonly options: BrowserContextOptions;
  readonly isWhole?: boolean;
  readonly hasTrouble?: boolean;
  readonly token?: string;
  /** Acts on the page before the picture. */
  readonly act?: (page: Page) => Promise<unknown>;
}

const VIEWS: readonly View[] = [
  { name: 'dashboard', options: { viewport: DESKTOP, colorScheme: 'light' } },
  { name: 'desktop-dark', options: { viewport: DESKTOP, colorScheme: 'dark' } },
  { name: 'desktop-whole', options: { viewport: DESKTOP, colorScheme: 'dark' }, isWhole: true },
  {
    name: 'desktop-well',
    options: { viewport: DESKTOP, colorScheme: 'light' },
    isWhole: true,
    hasTrouble: false,
  },
  {
    name: 'desktop-details',
    options: { viewport: DESKTOP, colorScheme: 'light' },
    act: async (page) => {
      await page.click('#stuck .details');
      await page.locator('#details-facts dd').first().waitFor();
    },
  },
  {
    name: 'desktop-charts',
    options: { viewport: DESKTOP, colorScheme: 'dark' },
    act: async (page) => {
      await page.locator('#h-charts').evaluate((element) => {
        element.scrollIntoView();
      });
      await page
        .locator('#charts .u-over')
        .first()
        .hover({ position: { x: 160, y: 60 } });
    },
  },
  { name: 'phone-light', options: { viewport: PHONE, colorScheme: 'light' } },
  { name: 'phone-dark', options: { viewport: PHONE, colorScheme: 'dark' } },
  {
    name: 'phone-charts',
    options: { viewport: PHONE, colorScheme: 'light' },
    act: (page) =>
      page.locator('#h-charts').evaluate((element) => {
        element.scrollIntoView();
      }),
  },
  {
    name: 'phone-details',
    options: { viewport: PHONE, colorScheme: 'light' },
    act: async (page) => {
      await page.click('#stuck .details');
      await page.locator('#details-facts dd').first().waitFor();
    },
  },
  { name: 'login', options: { viewport: DESKTOP, colorScheme: 'light' }, token: 'a-token-of-the-picture' },
];

const [, , folder] = process.argv;
const docs = fileURLToPath(new URL('../../../../docs/', import.meta.url));
const browser = await chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS] });
for (const view of folder === undefined ? VIEWS.slice(0, 1) : VIEWS) {
  const { name, options, isWhole = false, hasTrouble = true, token, act } = view;
  const monitor = new ExampleMonitor({ atMs: AT, hasTrouble });
  const served = await serveDashboard({ port: 0, monitor, title: 'gateway', token });
  const page = await browser.newPage({ timezoneId: 'UTC', ...options });
  await page.goto(new URL('/', served.url()).href);
  await page
    .locator(token === undefined ? '#charts figure:last-child canvas' : '#token')
    .waitFor({ state: 'attached' });
  await act?.(page);
  await page.screenshot({ path: join(folder ?? docs, `${name}.png`), fullPage: isWhole });
  await page.close();
  await served.end();
}
await browser.close();
process.exit();
