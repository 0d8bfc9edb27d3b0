/** The files of the page: they are sent as they lie in the packages, without a build. */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebFolder } from '../files/web-folder.js';

/** Sent again only if they have changed. */
export const PAGE_CACHE = 'no-cache';

/** The page: its document, styles and modules. */
export function pageFolder(): WebFolder {
  return new WebFolder(fileURLToPath(new URL('../../page/', import.meta.url)));
}

/** The charts: files of the package uplot, by the names that the page has for them. */
export const CHART_FILES: Readonly<Record<string, string>> = {
  '/uplot.js': '/uPlot.esm.js',
  '/uplot.css': '/uPlot.min.css',
};

export function chartFolder(): WebFolder {
  return new WebFolder(dirname(createRequire(import.meta.url).resolve('uplot')));
}
