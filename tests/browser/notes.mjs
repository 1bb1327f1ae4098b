// Notes with a real browser, as two people write them.
//
//   node tests/browser/notes.mjs http://127.0.0.1:8080 continuo-demo/demo.json --out shots
//
// A note is begun for a visit, saved by itself, filled with a phrase and a value of the chart, and a diagnosis from its
// middle; a nurse writes into the same note; both texts are merged; the note is signed with the keyboard, read back over
// FHIR with its Provenance, and the visit is closed. Then a record is opened in an emergency, seen on every page, ended
// and reviewed. No console error, no breach of the content policy, no request to another origin. Ends with 1 if anything
// was found.

import { mkdirSync, readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const [base, demoFile, ...rest] = process.argv.slice(2);
if (!base || !demoFile) {
  console.error('usage: notes.mjs <base-url> <demo.json> [--out DIR]');
  process.exit(2);
}
const out = rest.includes('--out') ? rest[rest.indexOf('--out') + 1] : 'shots';
mkdirSync(out, { recursive: true });
const org = JSON.parse(readFileSync(demoFile, 'utf8')).organisations[0];
const root = `${base}/${org.slug}`;
const chart = `${root}/patients/${org.examples[0].patient}`;
let found = 0;

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--headless', '--no-sandbox', '--disable-gpu'] });

function note(what) {
  found += 1;
  console.log(`  FOUND ${what}`);
}

function hold(holds, what) {
  if (!holds) note(what);
}

async function signIn(role) {
  const login = org.logins.find((it) => it.role === role);
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of (404|409|422)/.test(message.text())) note(`${role}: console: ${message.text()}`);
  });
  page.on('pageerror', (error) => note(`${role}: script: ${error.message}`));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(base).origin) note(`${role}: request to ${request.url()}`);
  });
  await page.goto(`${root}/`);
  await page.fill('#username', login.username);
  await page.fill('#password', login.password);
  await Promise.all([page.waitForNavigation(), page.press('#password', 'Enter')]);
  return page;
}

const fhir = (path) => fetch(`${root}/fhir/${path}`, { headers: { authorization: `Bearer ${org.token}` } }).then((it) => it.json());
const follow = (page, act) => Promise.all([page.waitForNavigation(), act]);
const saved = (page) => page.waitForFunction(() => /\d\d:\d\d:\d\d$/.test(document.querySelector('[data-status]').textContent));
const shot = (page, name) => page.screenshot({ path: `${out}/notes-${name}.png`, fullPage: true });

async function writing() {
  const doctor = await signIn('clinician');
  await doctor.goto(`${chart}/encounters/new`);
  await follow(doctor, doctor.locator('main form button.primary').first().click());
  const visit = doctor.url();
  await doctor.goto(`${chart}/notes`);
  await doctor.selectOption('#note-template', 'office-visit');
  await follow(doctor, doctor.click('button[data-key=note]'));
  const at = doctor.url();

  await doctor.focus('#part-cc');
  await doctor.keyboard.press('Control+a');
  await doctor.keyboard.type('Headache of @name ');
  const before = Date.now();
  await saved(doctor);
  hold(Date.now() - before < 2_000, `saving by itself took ${Date.now() - before} ms`);
  hold(!(await doctor.inputValue('#part-cc')).includes('@name'), 'a value of the chart was not put in');
  await doctor.focus('#part-ros');
  await doctor.keyboard.type('.normalr');
  await doctor.waitForSelector('.offer [role=option]');
  await shot(doctor, 'phrase');
  await doctor.keyboard.press('Enter');
  hold((await doctor.inputValue('#part-ros')).includes('no fever'), 'the phrase was not put in');
  await doctor.focus('#part-plan');
  await doctor.keyboard.type('/dx tension headache');
  await follow(doctor, doctor.keyboard.press('Enter'));
  await follow(doctor, doctor.keyboard.press('Enter'));
  hold((await doctor.inputValue('#part-plan')).trim() !== '' && !(await doctor.inputValue('#part-plan')).includes('/dx'), 'the diagnosis is not in the note');

  const nurse = await signIn('nurse');
  await nurse.goto(at);
  await nurse.fill('#part-hpi', 'Since three days.\nWorse in the morning.');
  await nurse.press('#part-hpi', 'Control+s');
  await saved(nurse);
  await doctor.fill('#part-hpi', 'Since three days.\nNo fever.');
  await doctor.press('#part-hpi', 'Control+s');
  await doctor.waitForSelector('.clash:not([hidden])');
  await shot(doctor, 'clash');
  await follow(doctor, doctor.click('.clash button'));
  const merged = await doctor.inputValue('#part-hpi');
  hold(merged.includes('Worse in the morning.') && merged.includes('No fever.'), `a text was lost: ${merged}`);
  await shot(doctor, 'merge');
  await follow(doctor, doctor.click('button[value=merge]'));
  await nurse.reload();
  hold((await nurse.inputValue('#part-hpi')) === merged, 'the other one does not see the merged note');

  await doctor.focus('#part-cc');
  await doctor.keyboard.press('F2');
  const gap = () => doctor.evaluate(() => { const it = document.activeElement; return it.value.slice(it.selectionStart, it.selectionEnd); });
  hold((await gap()) === '***', `F2 leads to “${await gap()}”`);
  await doctor.keyboard.type('4 weeks');
  await saved(doctor);
  await follow(doctor, doctor.keyboard.press('Control+Enter'));
  hold(doctor.url().endsWith('/sign'), `Control Enter led to ${doctor.url()}`);
  await shot(doctor, 'sign');
  await follow(doctor, doctor.locator('main form button.primary').press('Enter'));
  hold(doctor.url().includes('/close'), `after the signature: ${doctor.url()}`);
  const page = await fhir(`DocumentReference?encounter=Encounter/${visit.split('/').pop()}`);
  const document = page.entry?.[0]?.resource;
  hold(document?.docStatus === 'final', 'the note cannot be read over FHIR');
  const provenance = await fhir(`Provenance?target=DocumentReference/${document?.id}`);
  hold(provenance.entry?.[0]?.resource.signature?.length === 1, 'the note has no signature');

  // From here on, closing takes two actions: choose, close.
  const box = doctor.locator('input[name=diagnosis]').first();
  await box.check();
  await shot(doctor, 'close');
  await follow(doctor, doctor.locator('main form button.primary').click());
  hold(doctor.url().includes('done=closed'), `the visit is not closed: ${doctor.url()}`);
  const encounter = await fhir(`Encounter/${visit.split('/').pop()}`);
  hold(encounter.status === 'finished' && encounter.diagnosis?.length > 0, `the visit is ${encounter.status}`);
  await nurse.context().close();
  await doctor.context().close();
}

async function emergency() {
  const nurse = await signIn('nurse');
  await nurse.goto(`${chart}/emergency`);
  await nurse.fill('#reason', 'Found unconscious, no history known');
  await follow(nurse, nurse.locator('main form button.primary').press('Enter'));
  for (const section of ['', '/notes', '/documents']) {
    await nurse.goto(`${chart}${section}`);
    hold(await nurse.locator('.emergency').count(), `emergency access is not shown at ${section || 'the summary'}`);
  }
  await shot(nurse, 'emergency');
  const officer = await signIn('privacy-officer');
  await officer.goto(`${root}/admin/emergency`);
  hold((await officer.textContent('main')).includes('Found unconscious'), 'the privacy officer is not told the reason');
  await follow(nurse, nurse.locator('.emergency button').first().click());
  hold(!(await nurse.locator('.emergency').count()), 'emergency access does not end');
  await officer.locator('section.review textarea').first().fill('Called the ward; justified.');
  await follow(officer, officer.locator('section.review button').first().click());
  hold(officer.url().includes('done=reviewed'), `the review was not kept: ${officer.url()}`);
  await officer.context().close();
  await nurse.context().close();
}

await writing();
await emergency();
await browser.close();
console.log(`${found} findings`);
process.exit(found ? 1 : 0);
