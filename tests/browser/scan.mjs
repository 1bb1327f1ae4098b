// Looks at every page with a real browser.
//
//   node tests/browser/scan.mjs http://127.0.0.1:8080 continuo-demo/demo.json --out shots [--only summary]
//
// For a typical, a full and an empty patient, in light and in dark, at 1280, 360 and 320 pixels: no violation
// of WCAG 2.2 AA or of axe's best practices, no console error, no breach of the content policy, no request
// to another origin, no sideways scrolling. Then a journey with the keyboard alone. Ends with 1 if anything
// was found. Chromium is looked for at /usr/bin/chromium, or where CHROMIUM says.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const [base, demoFile, ...rest] = process.argv.slice(2);
const option = (name, otherwise) => (rest.includes(name) ? rest[rest.indexOf(name) + 1] : otherwise);
if (!base || !demoFile) {
  console.error('usage: scan.mjs <base-url> <demo.json> [--out DIR] [--only NAME] [--empty PATIENT]');
  process.exit(2);
}
const out = option('--out', 'shots');
const only = option('--only', '');
mkdirSync(out, { recursive: true });
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const demo = JSON.parse(readFileSync(demoFile, 'utf8'));
const origin = new URL(base).origin;
const found = [];
let scans = 0;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

function note(where, what) {
  found.push({ where, what });
  console.log(`  FOUND ${where}: ${what}`);
}

/** A page whose every complaint is written down. */
async function open(theme, width, state, height = 900) {
  const context = await browser.newContext({
    viewport: { width, height }, colorScheme: theme, storageState: state, reducedMotion: 'reduce', bypassCSP: false,
  });
  const page = await context.newPage();
  page.where = () => `${new URL(page.url()).pathname} ${theme} ${width}`;
  page.on('console', (message) => {
    // The browser itself reports a page that is meant to be absent.
    if (page.url().endsWith('/nobody-here') && message.text().includes('404')) return;
    if (['error', 'warning'].includes(message.type())) note(page.where(), `console: ${message.text()}`);
  });
  page.on('pageerror', (error) => note(page.where(), `script: ${error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (!['data:', 'blob:', 'about:'].includes(url.protocol) && url.origin !== origin) note(page.where(), `request to ${url.origin}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400 && response.request().resourceType() !== 'document') {
      note(page.where(), `${response.status()} for ${new URL(response.url()).pathname}`);
    }
  });
  return page;
}

/** Axe runs by the debugger's own evaluation, which the content policy of the page does not hinder. */
async function scan(page, name, shot) {
  scans += 1;
  await page.evaluate(axeSource);
  const result = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] },
    resultTypes: ['violations'],
  }));
  for (const violation of result.violations) {
    // The gallery shows the same component several times, each a landmark of the same name.
    if (violation.id === 'landmark-unique' && page.url().endsWith('/dev/components')) continue;
    const nodes = violation.nodes.slice(0, 3).map((it) => `${it.target.join(' ')} ${it.any[0]?.message ?? it.failureSummary ?? ''}`);
    note(page.where(), `axe ${violation.id} (${violation.nodes.length}): ${nodes.join(' | ')}`);
  }
  const wide = await page.evaluate(() => {
    const root = document.scrollingElement;
    if (root.scrollWidth <= root.clientWidth) return null;
    const beyond = [...document.body.querySelectorAll('*')].filter((it) => it.getBoundingClientRect().right > root.clientWidth + 1 && !it.closest('.scroll, .spoken, dialog:not([open])'));
    return `${root.scrollWidth} > ${root.clientWidth}: ${beyond.slice(0, 3).map((it) => `${it.tagName}.${it.getAttribute('class') ?? ''}`).join(', ')}`;
  });
  if (wide) note(page.where(), `scrolls sideways ${wide}`);
  if (shot) await page.screenshot({ path: `${out}/${name}.png`, fullPage: true });
}

async function signIn(login, path) {
  const page = await open('light', 1280);
  await page.goto(`${base}${path}`);
  await page.fill('#username', login.username);
  await page.fill('#password', login.password);
  await Promise.all([page.waitForNavigation(), page.press('#password', 'Enter')]);
  if (page.url().includes('/sign-in')) note('sign-in', `${login.username} could not sign in`);
  const state = await page.context().storageState();
  const at = new URL(page.url()).pathname;
  await page.context().close();
  return { state, at };
}

const org = demo.organisations[0];
const staff = org.logins.find((it) => it.role === 'clinician');
const patientLogin = org.logins.find((it) => it.role === 'patient');
const root = `/${org.slug}`;
const { state } = await signIn(staff, `${root}/`);

/** The examples, the fullest of the demo, and one with nothing: written through the API if there is none. */
async function people() {
  const headers = { authorization: `Bearer ${org.token}`, 'content-type': 'application/fhir+json' };
  const ask = async (path) => {
    const answer = await fetch(`${base}${root}/fhir/${path}`, { headers });
    return answer.ok ? answer.json() : {};
  };
  const examples = org.examples.map((it) => it.patient);
  let fullest = examples[0];
  let most = -1;
  for (const id of examples) {
    const { total = 0 } = await ask(`Observation?patient=${id}&_summary=count`);
    if (total > most) [most, fullest] = [total, id];
  }
  const list = { typical: examples.find((it) => it !== fullest) ?? fullest, full: fullest };
  const given = option('--empty', '');
  if (given) return { list: { ...list, empty: given }, ask };
  const empty = await fetch(`${base}${root}/fhir/Patient/empty-chart`, {
    method: 'PUT', headers,
    body: JSON.stringify({ resourceType: 'Patient', id: 'empty-chart', name: [{ family: 'Nobody-With-An-Extraordinarily-Long-Family-Name', given: ['Wolfeschlegelsteinhausen', 'Bergerdorff'] }] }),
  });
  if (empty.ok) list.empty = 'empty-chart';
  else note('empty-chart', `could not be written: ${empty.status}`);
  return { list, ask };
}

const { list: patients, ask } = await people();
const sections = ['', '/problems', '/medications', '/allergies', '/results', '/vitals', '/immunizations', '/encounters', '/documents', '/timeline'];

async function pagesOf(id) {
  const pages = sections.map((section) => [section.slice(1) || 'summary', `${root}/patients/${id}${section}`]);
  const labs = await ask(`Observation?patient=${id}&category=laboratory&_sort=-date&_count=1`);
  const code = labs.entry?.[0]?.resource.code.coding?.[0]?.code ?? '4548-4';
  pages.push(['trend', `${root}/patients/${id}/results/${code}`]);
  pages.push(['pressure', `${root}/patients/${id}/vitals/85354-9?range=10y`]);
  const documents = await ask(`DocumentReference?patient=${id}&_count=1`);
  const document = documents.entry?.[0]?.resource.id;
  if (document) pages.push(['document', `${root}/patients/${id}/documents/${document}`]);
  return pages;
}

const pages = [
  ['choose', '/', 'none'],
  ['sign-in', `${root}/sign-in`, 'none'],
  ['search-home', `${root}/`, 'staff'],
  ['search-some', `${root}/patients?q=a`, 'staff'],
  ['search-none', `${root}/patients?q=zzzzqq`, 'staff'],
  ['not-found', `${root}/patients/nobody-here`, 'staff'],
  ['gallery', '/dev/components', 'none'],
];
for (const [kind, id] of Object.entries(patients)) {
  for (const [name, path] of await pagesOf(id)) pages.push([`${kind}-${name}`, path, 'staff']);
}
const portal = patientLogin ? await signIn(patientLogin, `${root}/portal/`) : null;
if (portal) {
  if (!portal.at.endsWith('/portal/')) note('sign-in', `a patient landed on ${portal.at}`);
  pages.push(['portal', `${root}/portal/`, 'patient']);
}

for (const theme of ['light', 'dark']) {
  for (const width of [1280, 360, 320]) {
    const states = { none: undefined, staff: state, patient: portal?.state };
    for (const who of ['none', 'staff', 'patient']) {
      const mine = pages.filter((it) => it[2] === who && it[0].includes(only));
      if (!mine.length) continue;
      const page = await open(theme, width, states[who]);
      for (const [name, path] of mine) {
        const missing = name === 'not-found';
        const answer = await page.goto(`${base}${path}`);
        if (answer.status() !== (missing ? 404 : 200)) note(page.where(), `status ${answer.status()}`);
        const headers = answer.headers();
        if (!headers['content-security-policy']?.includes("default-src 'none'")) note(page.where(), 'no content policy');
        if (headers['cache-control'] !== 'no-store') note(page.where(), `cache-control ${headers['cache-control']}`);
        const shoot = width !== 360 && (theme === 'light' || ['typical-summary', 'typical-trend', 'gallery', 'search-some', 'portal', 'sign-in'].includes(name));
        await scan(page, `${name}-${theme}-${width}`, shoot);
      }
      await page.context().close();
      console.log(`${theme} ${width} ${who}: ${mine.length} pages`);
    }
  }
}

/** The banner never hides what has the focus, and stays low (SC 2.4.11). */
async function banner() {
  const page = await open('light', 1280, state, 700);
  await page.goto(`${base}${root}/patients/${patients.full}`);
  const height = await page.evaluate(() => document.querySelector('.sticky').getBoundingClientRect().height);
  if (height > 97) note(page.where(), `the banner is ${height} px high`);
  const hidden = await page.evaluate(() => {
    const covered = [];
    for (const it of document.querySelectorAll('main a')) {
      it.focus();
      const box = it.getBoundingClientRect();
      const edge = document.querySelector('.sticky').getBoundingClientRect().bottom;
      if (box.top < edge && box.bottom > 0) covered.push(it.textContent);
    }
    return covered;
  });
  if (hidden.length) note(page.where(), `the banner covers ${hidden.slice(0, 3).join(', ')}`);
  await page.context().close();
}

/** Search, chart, trend, points: with the keyboard alone. */
async function keyboard() {
  const page = await open('light', 1280, state);
  await page.goto(`${base}${root}/patients/${patients.full}`);
  const family = (await page.textContent('.banner .name strong')).split(',')[0];
  await page.keyboard.press('Control+k');
  await page.waitForSelector('#palette[open]');
  await page.keyboard.type(family.slice(0, 5));
  await page.waitForSelector('#palette a.hit');
  await page.waitForTimeout(300);
  await scan(page, 'palette', true);
  await page.keyboard.press('ArrowDown');
  const onHit = await page.evaluate(() => document.activeElement.matches('a.hit'));
  if (!onHit) note('keyboard', 'the arrow key does not reach the first person found');
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  await page.goto(`${base}${root}/patients/${patients.full}`);
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Alt+4')]);
  if (!page.url().endsWith('/results')) note('keyboard', `Alt+4 led to ${page.url()}`);
  const press = async (want, most = 90) => {
    for (let n = 0; n < most; n += 1) {
      await page.keyboard.press('Tab');
      if (await page.evaluate((it) => document.activeElement.matches(it), want)) return true;
    }
    note('keyboard', `Tab does not reach ${want}`);
    return false;
  };
  if (await press('main table th a')) {
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    if (await press('svg .point')) {
      const say = () => page.textContent('[data-reader]');
      const last = await say();
      await page.keyboard.press('ArrowLeft');
      const before = await say();
      if (!last || (last === before && (await page.locator('svg.wide .point').count()) > 1)) note('keyboard', 'the point reader says nothing new');
      await page.screenshot({ path: `${out}/point-reader.png` });
    }
  }
  await page.keyboard.press('Control+k');
  await page.keyboard.press('Escape');
  if (await page.evaluate(() => document.getElementById('palette').open)) note('keyboard', 'Escape does not close the palette');
  await page.context().close();
}

/** High contrast and text at four times its size. */
async function extremes() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, storageState: state, forcedColors: 'active' });
  const page = await context.newPage();
  await page.goto(`${base}${root}/patients/${patients.full}`);
  await page.screenshot({ path: `${out}/forced-colors.png` });
  await page.emulateMedia({ media: 'print', forcedColors: 'none' });
  await page.screenshot({ path: `${out}/print.png`, fullPage: true });
  await context.close();
}

/** Without JavaScript every form and link still works. */
async function plain() {
  const context = await browser.newContext({ javaScriptEnabled: false, storageState: state });
  const page = await context.newPage();
  await page.goto(`${base}${root}/`);
  await page.fill('#q', 'a');
  await Promise.all([page.waitForNavigation(), page.click('main button')]);
  if (!(await page.locator('a.hit').count())) note('plain', 'searching without JavaScript finds nobody');
  await context.close();
}

if (!only || only === 'journeys') {
  await banner();
  await keyboard();
  await extremes();
  await plain();
}
await browser.close();
writeFileSync(`${out}/report.json`, JSON.stringify({ scans, found }, null, 2));
console.log(`${scans} scans, ${found.length} findings`);
process.exit(found.length ? 1 : 0);
