// Opens the viewer in a real Chromium and reports what its pages show, as JSON on standard output.
//
// Standard input: {"chromium", "base", "width", "height", "visits": [{"path", "do": [...], "picture", "full", "light"}]}
// A picture's name ends in .png (pixels) or .svg (text and shapes).
// A step in "do" is {"choose": [variable's name, option]}, {"time": quick range's name} or {"unfold": true} (all rows).
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

import { draw, record } from './vector.mjs';

const TIMEOUT = 60_000; // enough for all rows unfolded, on a busy machine
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update'],
];

async function settled(page) {
  await page.waitForFunction(
    () => {
      const panels = [...document.querySelectorAll('[data-panel]')];
      const drawn = document.querySelector('[data-listed]') ?? panels[0];
      return drawn && panels.every((panel) => panel.dataset.state !== 'loading' && panel.dataset.loading === 'false');
    },
    undefined,
    { timeout: TIMEOUT }
  );
  await page.waitForTimeout(500);
}

async function step(page, { choose, time, unfold }) {
  if (unfold) {
    for (const row of await page.locator('[data-row][aria-expanded=false]').all().then((rows) => rows.reverse())) {
      await row.click();
    }
    await settled(page);
    return;
  }
  const before = page.url();
  if (choose) {
    const [variable, option] = choose;
    await page.locator(`#var-${variable}`).click();
    await page.getByRole('option', { name: option, exact: true }).click();
    await page.keyboard.press('Escape');
  }
  if (time) {
    await page.getByTestId('data-testid TimePicker Open Button').click();
    await page.getByText(time, { exact: true }).click();
  }
  await page.waitForURL((url) => url.href !== before, { timeout: TIMEOUT });
  await settled(page);
}

async function save(page, picture) {
  if (!picture.endsWith('.svg')) {
    await page.screenshot({ path: picture });
    return;
  }
  // In the docs, the text next to the picture explains what it is.
  await page.evaluate(() => document.querySelector('[data-caption]')?.remove());
  await page.evaluate(await readFile(join(import.meta.dirname, 'dom-to-svg.js'), 'utf8') + ';window.domToSvg = domToSvg');
  await writeFile(picture, await page.evaluate(draw));
}

async function visit(page, base, { path, do: steps = [], picture, full = false, light = false }) {
  const complaints = [];
  const hear = (kind) => (event) => complaints.push(`${kind}: ${typeof event.text === 'function' ? event.text() : (event.message ?? event.url())}`);
  const onConsole = (message) => ['error', 'warning'].includes(message.type()) && hear(message.type())(message);
  const onResponse = (response) => response.status() >= 400 && complaints.push(`${response.status()}: ${response.url()}`);
  const onError = hear('exception');
  page.on('console', onConsole).on('pageerror', onError).on('response', onResponse);
  if (picture?.endsWith('.svg')) {
    await page.addInitScript(record);
  }
  try {
    await page.emulateMedia({ colorScheme: light ? 'light' : 'dark' });
    await page.goto(base + path);
    await settled(page);
    for (const each of steps) {
      await step(page, each);
    }
  } catch (error) {
    complaints.push(`unsettled: ${error.message}`);
  }
  const panels = await page.locator('[data-panel]').evaluateAll((found) =>
    found.map((panel) => ({
      title: panel.dataset.panel,
      type: panel.dataset.type,
      state: panel.dataset.state,
      text: panel.innerText,
      height: panel.getBoundingClientRect().height,
      bottom: panel.getBoundingClientRect().bottom,
      drawn: panel.querySelectorAll('canvas, svg rect, [role="gridcell"]').length,
    }))
  );
  const text = await page.locator('body').innerText();
  const links = await page.locator('main a').evaluateAll((found) => found.map((each) => each.getAttribute('href')));
  if (picture) {
    if (full) {
      const height = await page.evaluate(() => document.querySelector('main').scrollHeight);
      await page.setViewportSize({ width: page.viewportSize().width, height });
      await settled(page);
    }
    await save(page, picture);
  }
  page.off('console', onConsole).off('pageerror', onError).off('response', onResponse);
  return { path, url: page.url(), header: text, panels, links, complaints };
}

let given = '';
for await (const part of process.stdin) {
  given += part;
}
const { chromium: executablePath, base, width = 1400, height = 900, visits } = JSON.parse(given);
const profile = await mkdtemp(join(tmpdir(), 'viewer-'));
try {
  const browser = await chromium.launchPersistentContext(profile, { executablePath, args: FLAGS, viewport: { width, height } });
  const seen = [];
  for (const each of visits) {
    const page = await browser.newPage();
    await page.setViewportSize({ width, height });
    seen.push(await visit(page, base, each));
    await page.close();
  }
  await browser.close();
  process.stdout.write(JSON.stringify(seen));
} finally {
  await rm(profile, { recursive: true, force: true });
}
