// What the scan and the journeys share: a browser whose every complaint is written down, people who sign in, a way to
// ask the product over FHIR, and a patient with more than anybody has.

import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { chromium } from 'playwright-core';

const [base, demoFile, ...rest] = process.argv.slice(2);
if (!base || !demoFile) {
  console.error('usage: node <script> <base-url> <demo.json> [--out DIR] [--only NAME] [--dose small|full]');
  process.exit(2);
}
export const option = (name, otherwise) => (rest.includes(name) ? rest[rest.indexOf(name) + 1] : otherwise);
export { base };
export const out = option('--out', 'shots');
export const only = option('--only', '');
export const full = option('--dose', 'small') === 'full';
mkdirSync(out, { recursive: true });

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const demo = JSON.parse(readFileSync(demoFile, 'utf8'));
export const org = demo.organisations[0];
export const root = `/${org.slug}`;
export const origin = new URL(base).origin;
// Browsers give passkeys to names, never to numbers.
export const named = base.replace('//127.0.0.1', '//localhost');
export const found = [];
/** Apps that people were led to on purpose. */
export const apps = new Set();
export const count = { scans: 0 };

export const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
    // Two pages of one machine find each other by number, without a name service.
    '--disable-features=WebRtcHideLocalIpsWithMdns'],
});

export function note(where, what) {
  found.push({ where, what });
  console.log(`  FOUND ${where}: ${what}`);
}

/** A page whose every complaint is written down. */
export async function open(theme, width, state, height = 900, more = {}) {
  const context = await browser.newContext({
    viewport: { width, height }, colorScheme: theme, storageState: state, reducedMotion: 'reduce', bypassCSP: false, ...more,
  });
  const page = await context.newPage();
  page.where = () => `${new URL(page.url()).pathname} ${theme} ${width}`;
  page.weight = { js: 0, css: 0 };
  page.on('console', (message) => {
    // The browser itself reports a page that is meant to be absent.
    if (/status of (404|409|410|422)/.test(message.text()) && message.location().url === page.url()) return;
    if (['error', 'warning'].includes(message.type())) note(page.where(), `console: ${message.text()}`);
  });
  page.on('pageerror', (error) => note(page.where(), `script: ${error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (!['data:', 'blob:', 'about:'].includes(url.protocol) && ![origin, new URL(named).origin].includes(url.origin) && !apps.has(url.origin)) note(page.where(), `request to ${url.origin}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400 && response.request().resourceType() !== 'document' && !page.mayFail?.(response)) {
      note(page.where(), `${response.status()} for ${new URL(response.url()).pathname}`);
    }
  });
  return page;
}

/** What is beyond the edge of a page that ought not to be scrolled sideways. */
export async function overflow(page) {
  const wide = await page.evaluate(() => {
    const root = document.scrollingElement;
    if (root.scrollWidth <= root.clientWidth) return null;
    const rtl = document.dir === 'rtl';
    const beyond = [...document.body.querySelectorAll('*')].filter((it) => {
      const box = it.getBoundingClientRect();
      return (rtl ? box.left < -1 : box.right > root.clientWidth + 1) && !it.closest('.scroll, .spoken, dialog:not([open])');
    });
    return `${root.scrollWidth} > ${root.clientWidth}: ${beyond.slice(0, 3).map((it) => `${it.tagName}.${it.getAttribute('class') ?? ''}`).join(', ')}`;
  });
  if (wide) note(page.where(), `scrolls sideways ${wide}`);
}

/** Scripts and sheets of a page stay light: 60 KB each (limits of the design). */
export async function weigh(page) {
  const size = await page.evaluate(async () => {
    const parts = performance.getEntriesByType('resource').filter((it) => it.name.includes('/assets/'));
    const sum = (end) => parts.filter((it) => it.name.endsWith(end)).reduce((all, it) => all + it.decodedBodySize, 0);
    return { js: sum('.js'), css: sum('.css') };
  });
  for (const kind of ['js', 'css']) if (size[kind] > 60_000) note(page.where(), `${size[kind]} bytes of ${kind}`);
}

/** Axe runs by the debugger's own evaluation, which the content policy of the page does not hinder. */
export async function scan(page, name, shot) {
  count.scans += 1;
  await page.evaluate(axeSource);
  const result = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] },
    resultTypes: ['violations'],
  }));
  for (const violation of result.violations) {
    // The gallery shows the same component several times, each a landmark of the same name.
    if (violation.id === 'landmark-unique' && page.url().endsWith('/dev/components')) continue;
    // The pseudo-language is no language that anybody could know.
    if (violation.id === 'html-lang-valid' || violation.id === 'valid-lang') {
      if (violation.nodes.every((it) => it.html.includes('ar-x-pseudo'))) continue;
    }
    const nodes = violation.nodes.slice(0, 3).map((it) => `${it.target.join(' ')} ${it.any[0]?.message ?? it.failureSummary ?? ''}`);
    note(page.where(), `axe ${violation.id} (${violation.nodes.length}): ${nodes.join(' | ')}`);
  }
  await overflow(page);
  await weigh(page);
  if (shot) await page.screenshot({ path: `${out}/${name}.png`, fullPage: true });
}

export const loginOf = (role) => org.logins.find((it) => it.role === role);

export async function signIn(login, path) {
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

const headers = { authorization: `Bearer ${org.token}`, 'content-type': 'application/fhir+json' };

/** What the product says over FHIR; nothing when it says no. */
export async function ask(path) {
  const answer = await fetch(`${base}${root}/fhir/${path}`, { headers });
  return answer.ok ? answer.json() : {};
}

export async function put(resource) {
  const answer = await fetch(`${base}${root}/fhir/${resource.resourceType}/${resource.id}`, { method: 'PUT', headers, body: JSON.stringify(resource) });
  if (!answer.ok) note('fhir', `${resource.resourceType}/${resource.id} could not be written: ${answer.status} ${(await answer.text()).slice(0, 300)}`);
  return answer.ok;
}

/** Sends a message of HL7 v2 over MLLP and gives its acknowledgement. */
export function line(segments) {
  const [host, port] = org.mllp.split(':');
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect(Number(port), host, () => socket.write(`\x0b${segments.join('\r')}\r\x1c\r`));
    socket.setTimeout(15_000, () => { socket.destroy(); reject(new Error('no acknowledgement in time')); });
    socket.on('error', reject).on('data', (some) => {
      said += some;
      if (said.endsWith('\x1c\r')) { socket.end(); resolve(said); }
    });
  });
}

export async function post(resource) {
  const answer = await fetch(`${base}${root}/fhir/${resource.resourceType}`, { method: 'POST', headers, body: JSON.stringify(resource) });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) note('fhir', `a ${resource.resourceType} could not be written: ${answer.status} ${JSON.stringify(told).slice(0, 300)}`);
  return told;
}

async function transaction(entries) {
  const bundle = { resourceType: 'Bundle', type: 'batch', entry: entries.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } })) };
  const answer = await fetch(`${base}${root}/fhir`, { method: 'POST', headers, body: JSON.stringify(bundle) });
  if (!answer.ok) note('fhir', `a bundle could not be written: ${answer.status}`);
}

/** A patient with `size` resources, very long names and more allergies than fit anywhere. */
export async function extreme(size = 5_000) {
  const id = 'extreme-chart';
  const subject = { reference: `Patient/${id}` };
  const long = 'Wolfeschlegelsteinhausenbergerdorffwelchevoralternwaren';
  const category = (code) => [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code }] }];
  const clinical = (code, of = 'condition-clinical') => ({ coding: [{ system: `http://terminology.hl7.org/CodeSystem/${of}`, code }] });
  const day = (n) => new Date(Date.now() - n * 86_400_000).toISOString();
  const all = [{ resourceType: 'Patient', id, gender: 'female', birthDate: '1931-02-28',
    name: [{ use: 'official', family: `${long}-Gewissenhaft`, given: ['Maria-Magdalena', 'Anastasia', 'Konstantinopolitanska', 'Theophania'], prefix: ['Univ.-Prof. Dr. Dr. h. c. mult.'] }, { use: 'maiden', family: 'Überlingen-Hohenzollern-Sigmaringen' }],
    telecom: [{ system: 'phone', value: '+1 555 010 0199 ext. 123456' }],
    address: [{ line: ['1234567890 Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch Boulevard, Apartment 12 B, third entrance from the left'], city: 'Taumatawhakatangihangakoauau', state: 'MA' }] }];
  const add = (type, n, more) => all.push({ resourceType: type, id: `extreme-${type.toLowerCase()}-${n}`, ...more });
  for (let n = 0; n < 60; n += 1) add('AllergyIntolerance', n, { patient: subject, clinicalStatus: clinical('active', 'allergyintolerance-clinical'), criticality: n % 3 ? 'low' : 'high', code: { text: `Acetylsalicylic acid and hydroxyethylcellulose compound number ${n}` }, reaction: [{ manifestation: [{ text: 'Anaphylaxis with angioedema, bronchospasm and generalised urticaria' }] }] });
  for (let n = 0; n < 120; n += 1) add('Condition', n, { subject, clinicalStatus: clinical(n % 4 ? 'active' : 'resolved'), category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-category', code: 'problem-list-item' }] }], code: { text: `Pneumonoultramicroscopicsilicovolcanoconiosis with pseudopseudohypoparathyroidism, type ${n}` }, onsetDateTime: day(n * 30).slice(0, 10) });
  for (let n = 0; n < 80; n += 1) add('MedicationRequest', n, { subject, status: n % 3 ? 'active' : 'stopped', intent: 'order', authoredOn: day(n * 9), medicationCodeableConcept: { text: `Dichlorodifluoromethane–hydrochlorothiazide ${n} mg prolonged-release film-coated tablet` }, dosageInstruction: [{ text: 'Take one and a half tablets by mouth every second morning with at least 200 mL of water, never together with milk products, until told otherwise' }] });
  for (let n = 0; n < 150; n += 1) add('Encounter', n, { subject, status: 'finished', class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' }, period: { start: day(n * 20 + 1), end: day(n * 20 + 1) }, reasonCode: [{ text: 'Follow-up of a very long-standing and complicated course of illness' }] });
  for (let n = 0; n < 80; n += 1) add('Immunization', n, { patient: subject, status: 'completed', vaccineCode: { text: `Tetravalent inactivated influenza vaccine, split virion, season ${n}` }, occurrenceDateTime: day(n * 200).slice(0, 10) });
  for (let n = 0; n < 100; n += 1) add('DocumentReference', n, { subject, status: 'current', date: day(n * 11), description: `Interdisciplinary discharge summary with appendices A to Z, part ${n}`, type: { text: 'Discharge summary' }, content: [{ attachment: { contentType: 'text/plain', data: Buffer.from('A long text. '.repeat(200)).toString('base64') } }] });
  const tests = [['4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood by HPLC', '%'], ['2823-3', 'Potassium', 'mmol/L'], ['2345-7', 'Glucose', 'mg/dL'], ['718-7', 'Hemoglobin', 'g/dL'], ['2160-0', 'Creatinine', 'mg/dL'], ['13457-7', 'Cholesterol in LDL, calculated by the equation of Friedewald', 'mg/dL']];
  for (let n = 0; all.length < size; n += 1) {
    const vital = n % 3 === 0;
    const [code, text, unit] = vital ? ['29463-7', 'Body weight', 'kg'] : tests[n % tests.length];
    add('Observation', n, { subject, status: 'final', category: category(vital ? 'vital-signs' : 'laboratory'), code: { coding: [{ system: 'http://loinc.org', code }], text }, effectiveDateTime: day(n * 2), valueQuantity: { value: 40 + (n * 7) % 60, unit, system: 'http://unitsofmeasure.org', code: unit }, interpretation: n % 5 ? undefined : [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation', code: 'HH' }] }], referenceRange: [{ low: { value: 41 }, high: { value: 60 } }] });
  }
  for (let at = 0; at < all.length; at += 500) await transaction(all.slice(at, at + 500));
  return id;
}

/** Ends with 1 if anything was found. */
export async function finish(report) {
  await browser.close();
  report();
  process.exit(found.length ? 1 : 0);
}
