// Looks at every page with a real browser.
//
//   node tests/browser/scan.mjs http://127.0.0.1:8080 continuo-demo/demo.json --out shots [--only summary]
//
// For a typical, a full, an empty and an extreme patient, in light and in dark, at 1280 and 360 pixels: no violation
// of WCAG 2.2 AA or of axe's best practices, no console error, no breach of the content policy, no request
// to another origin, no sideways scrolling. Every role signs in and sees its own pages. Then journeys with the
// keyboard alone: charts, second factor, passkey, emergency access, a locked page, an app that loses its access. Ends with 1 if anything
// was found. Chromium is looked for at /usr/bin/chromium, or where CHROMIUM says.

import { createHash, createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { apps, ask, base, browser, count, extreme, finish, found, full, loginOf, named, note, only, open, option, org, out, overflow, put, root, scan, signIn } from './look.mjs';


/** Everybody signs in once; what is scanned is scanned as one of them. */
const states = { none: undefined };
for (const login of org.logins) {
  if (login.role in states) continue;
  const { state, at } = await signIn(login, `${root}/`);
  states[login.role] = state;
  if (login.role.startsWith('pro') || login.role === 'patient' ? !at.endsWith('/portal/') && login.role !== 'privacy-officer' : at.endsWith('/portal/')) {
    note('sign-in', `${login.role} landed on ${at}`);
  }
}
const state = states.clinician;

/** The examples, the fullest of the demo, one with nothing, and in the full dose one with far too much. */
async function people() {
  const examples = org.examples.map((it) => it.patient);
  let fullest = examples[0];
  let most = -1;
  for (const id of examples) {
    const { total = 0 } = await ask(`Observation?patient=${id}&_summary=count`);
    if (total > most) [most, fullest] = [total, id];
  }
  const list = { typical: examples.find((it) => it !== fullest) ?? fullest, full: fullest };
  const given = option('--empty', '');
  const empty = { resourceType: 'Patient', id: 'empty-chart', name: [{ family: 'Nobody-With-An-Extraordinarily-Long-Family-Name', given: ['Wolfeschlegelsteinhausen', 'Bergerdorff'] }] };
  if (given) list.empty = given;
  else if (await put(empty)) list.empty = 'empty-chart';
  list.extreme = await extreme(full ? 5_000 : 900);
  return list;
}

const patients = await people();
/** Pages of a chart, as its own navigation offers them to a clinician: what is added there is looked at. */
async function sectionsOf(id) {
  const page = await open('light', 1280, state);
  await page.goto(`${base}${root}/patients/${id}`);
  const all = await page.evaluate(() => [...document.querySelectorAll('nav.sections a')].map((it) => new URL(it.href).pathname));
  await page.context().close();
  return [...new Set(all)].filter((it) => it.includes(`/patients/${id}`)).map((it) => it.split(`/patients/${id}`)[1]);
}


async function pagesOf(id) {
  const sections = (await sectionsOf(id)).filter((it) => it !== '/emergency');
  const pages = sections.map((section) => [section.slice(1).replaceAll('/', '-') || 'summary', `${root}/patients/${id}${section}`]);
  const labs = await ask(`Observation?patient=${id}&category=laboratory&_sort=-date&_count=1`);
  const code = labs.entry?.[0]?.resource.code.coding?.[0]?.code ?? '4548-4';
  pages.push(['trend', `${root}/patients/${id}/results/${code}`]);
  pages.push(['pressure', `${root}/patients/${id}/vitals/85354-9?range=10y`]);
  pages.push(['pharmacy', `${root}/patients/${id}/pharmacy`]);
  pages.push(['devices', `${root}/patients/${id}/devices`], ['make-document', `${root}/patients/${id}/documents/make`]);
  for (const page of ['reconcile', 'reconcile/review']) pages.push([page.replace('/', '-'), `${root}/patients/${id}/${page}`]);
  const documents = await ask(`DocumentReference?patient=${id}&_count=1`);
  const document = documents.entry?.[0]?.resource.id;
  if (document) pages.push(['document', `${root}/patients/${id}/documents/${document}`]);
  const studies = await ask(`ImagingStudy?patient=${id}&_count=1`);
  const study = studies.entry?.[0]?.resource.id;
  if (study) pages.push(['study', `${root}/patients/${id}/imaging/${study}`]);
  return pages;
}

const pages = [
  ['choose', '/', 'none'],
  ['sign-in', `${root}/sign-in`, 'none'],
  ['invitation', `${root}/invitation`, 'none'],
  ['reset', `${root}/reset`, 'none'],
  ['reset-over', `${root}/reset?code=nonsense`, 'none', 410],
  ['set-up-over', `${root}/set-up?code=nonsense`, 'none', 404],
  ['search-home', `${root}/`, 'clinician'],
  ['search-some', `${root}/patients?q=a`, 'clinician'],
  ['search-none', `${root}/patients?q=zzzzqq`, 'clinician'],
  ['not-found', `${root}/patients/nobody-here`, 'clinician', 404],
  ['emergency-prompt', `${root}/patients/${patients.full}/emergency`, 'clinician'],
  ['gallery', '/dev/components', 'none'],
];
for (const [kind, id] of Object.entries(patients)) {
  for (const [name, path] of await pagesOf(id)) pages.push([`${kind}-${name}`, path, 'clinician']);
}
// What each role is offered, and what it is not: (role, pages it may see, pages that do not exist for it).
const administration = ['users', 'roles', 'sessions', 'apps', 'audit', 'disclosures', 'emergency', 'duplicates', 'content'];
const offered = {
  'front-desk': ['duplicates'], nurse: [], biller: [], clinician: [], 'integration-engineer': [],
  'practice-admin': ['users', 'roles', 'sessions', 'apps', 'duplicates', 'content'],
  'system-admin': ['users', 'roles', 'sessions', 'apps', 'audit', 'disclosures', 'content'],
  'privacy-officer': ['roles', 'sessions', 'audit', 'disclosures', 'emergency', 'content'],
};
for (const [role, sections] of Object.entries(offered)) {
  if (!(role in states)) continue;
  pages.push([`${role}-account`, `${root}/account`, role]);
  for (const section of administration) {
    const may = sections.includes(section);
    // One page that does not exist looks like another: one for each role is enough to look at.
    if (may || section === administration.find((it) => !sections.includes(it))) {
      pages.push([`${role}-${section}`, `${root}/admin/${section}`, role, may ? 200 : 404]);
    }
  }
}
for (const role of ['front-desk', 'biller']) pages.push([`${role}-summary`, `${root}/patients/${patients.full}`, role]);
pages.push(
  ['practice-admin-merges', `${root}/admin/merges`, 'practice-admin'],
  ['account-password', `${root}/account/password`, 'clinician'],
  ['account-totp', `${root}/account/totp`, 'nurse'],
  ['account-passkeys', `${root}/account/passkeys`, 'nurse'],
  ['account-prove', `${root}/account/prove`, 'clinician'],
  ['users-new', `${root}/admin/users/new`, 'practice-admin'],
  ['users-none', `${root}/admin/users?q=zzzzqq`, 'practice-admin'],
  ['invitations', `${root}/admin/invitations`, 'practice-admin'],
  ['roles-one', `${root}/admin/roles/clinician`, 'practice-admin'],
  ['apps-new', `${root}/admin/apps/new`, 'practice-admin'],
  ['audit-none', `${root}/admin/audit?patient=zzzzqq`, 'privacy-officer'],
  ['audit-one', `${root}/admin/audit/1`, 'privacy-officer'],
  ['audit-verify', `${root}/admin/audit/verify`, 'privacy-officer'],
  ['interfaces', `${root}/interfaces/`, 'integration-engineer'],
  ['interfaces-messages', `${root}/interfaces/messages`, 'integration-engineer'],
  ['interfaces-errors', `${root}/interfaces/errors`, 'integration-engineer'],
  ['interfaces-bench', `${root}/interfaces/bench`, 'integration-engineer'],
  ['disclosures-one', `${root}/admin/disclosures?patient=${patients.full}&all=yes`, 'privacy-officer'],
);
for (const role of ['patient', 'proxy', 'proxy-limited']) {
  if (!(role in states)) continue;
  for (const [name, path] of [['portal', 'portal/'], ['looks', 'portal/looks'], ['apps', 'portal/apps'], ['account', 'account']]) {
    pages.push([role === 'patient' && name === 'portal' ? 'portal' : `${role}-${name}`, `${root}/${path}`, role]);
  }
}

/** Journeys with screenshots of their own open what they need; these pages need an id that only a list knows. */
async function linked() {
  const page = await open('light', 1280, states['practice-admin']);
  for (const [name, list, link] of [['users-one', 'users', '/admin/users/'], ['apps-one', 'apps', '/admin/apps/']]) {
    await page.goto(`${base}${root}/admin/${list}`);
    const path = await page.evaluate((it) => [...document.querySelectorAll('main a')].map((a) => new URL(a.href).pathname).find((p) => p.includes(it) && !p.endsWith('/new')), link);
    if (path) pages.push([name, path, 'practice-admin']);
    else note(page.where(), `no link to ${link}`);
  }
  await page.context().close();
}
await linked();

pages.push(
  ['settings', `${root}/account/settings`, 'clinician'],
  ['lists', `${root}/lists`, 'clinician'],
  ['lists-panel', `${root}/lists/panel`, 'clinician'],
  ['cohort', `${root}/lists/find?sex=female&from=18`, 'clinician'],
  ['portal-video', `${root}/portal/video`, 'patient'],
);
/** Pages of one's own work, as the bar offers them. */
for (const role of ['clinician', 'nurse', 'front-desk', 'patient']) {
  if (!(role in states)) continue;
  const page = await open('light', 1280, states[role]);
  await page.goto(`${base}${root}/`);
  const links = await page.evaluate(() => [...document.querySelectorAll('.bar a.place, nav.of-portal a')].map((it) => new URL(it.href).pathname));
  await page.context().close();
  for (const path of links) {
    if (!pages.some((it) => it[1] === path && it[2] === role)) pages.push([`${role}${path.slice(root.length).replaceAll('/', '-')}`, path, role]);
  }
}

// A page is looked at in light and wide by all; narrow, dark, empty and extreme in turns in the small dose, so that
// each page is seen in each of them over a few runs and every kind of trouble in each run. The full dose leaves nothing out.
const dark = ['typical-summary', 'typical-trend', 'gallery', 'search-some', 'portal', 'sign-in', 'clinician-account', 'privacy-officer-audit',
  'practice-admin-users', 'roles-one', 'emergency-prompt', 'patient-looks', 'patient-apps', 'apps-one', 'privacy-officer-emergency', 'settings', 'cohort'];
const turn = Number(option('--turn', new Date().getDate()));
const looks = (name, at, theme, width) => {
  if (full) return true;
  const first = theme === 'light' && width === 1280;
  if (name.startsWith('extreme-') || name.startsWith('empty-')) return (at + turn) % 4 === (first ? 0 : theme === 'light' && width === 360 ? 1 : theme === 'dark' && width === 1280 ? 2 : 3);
  if (first) return true;
  return width === 360 ? (at + turn) % 3 === (theme === 'light' ? 0 : 1) : (at + turn) % 3 === 2;
};
for (const theme of ['light', 'dark']) {
  for (const width of [1280, 360]) {
    for (const who of Object.keys(states)) {
      const mine = pages.filter((it, at) => it[2] === who && it[0].includes(only) && looks(it[0], at, theme, width));
      if (!mine.length) continue;
      const page = await open(theme, width, states[who]);
      for (const [name, path, , status = 200] of mine) {
        const answer = await page.goto(`${base}${path}`);
        if (answer.status() !== status) note(page.where(), `status ${answer.status()} of ${path}`);
        const headers = answer.headers();
        if (!headers['content-security-policy']?.includes("default-src 'none'")) note(page.where(), 'no content policy');
        if (headers['cache-control'] !== 'no-store') note(page.where(), `cache-control ${headers['cache-control']}`);
        await scan(page, `${name}-${theme}-${width}`, full ? theme === 'light' || dark.includes(name) : theme === 'light' && width === 1280);
      }
      await page.context().close();
      console.log(`${theme} ${width} ${who}: ${mine.length} pages`);
    }
  }
}

/** At 320 pixels (400 % of 1280), and from right to left with longer words: nothing is cut off, nothing scrolls sideways. */
async function narrow() {
  for (const who of Object.keys(states)) {
    const mine = pages.filter((it, at) => it[2] === who && it[0].includes(only) && (full || at % 3 === turn % 3));
    if (!mine.length) continue;
    const page = await open('light', 320, states[who]);
    for (const [, path] of mine) {
      await page.goto(`${base}${path}`);
      await overflow(page);
    }
    if (who !== 'none') {
      await page.request.post(`${base}${root}/account/settings`, { form: { language: 'ar-x-pseudo', letters: 'yes' }, headers: { origin: base } });
      for (const width of full ? [360, 320, 1280] : [360]) {
        await page.setViewportSize({ width, height: 900 });
        for (const [name, path] of mine) {
          await page.goto(`${base}${path}`);
          if ((await page.getAttribute('html', 'dir')) !== 'rtl') note(page.where(), 'is not written from right to left');
          await overflow(page);
          if (name === 'typical-summary' || name === 'portal' || full) await page.screenshot({ path: `${out}/${name}-rtl-${width}.png`, fullPage: true });
        }
      }
      await page.request.post(`${base}${root}/account/settings`, { form: { language: '', letters: 'yes' }, headers: { origin: base } });
    }
    await page.context().close();
  }
  console.log('narrow and right to left');
}
await narrow();

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

/** What an authenticator app shows (RFC 6238). */
function code(secret, at = Date.now()) {
  const bits = [...secret.replace(/[^A-Z2-7]/g, '')].map((it) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(it).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((it) => parseInt(it, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const hash = createHmac('sha1', key).update(step).digest();
  const offset = hash[19] & 15;
  return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

const focused = (page, want) => page.evaluate((it) => document.activeElement.matches(it), want);

/** Tab until something has the focus. */
async function reach(page, want, most = 90) {
  for (let n = 0; n < most; n += 1) {
    if (await focused(page, want)) return true;
    await page.keyboard.press('Tab');
  }
  note('keyboard', `Tab does not reach ${want} on ${page.url()}`);
  return false;
}

const enter = async (page) => { await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]); };

/** By keyboard alone: set up an authenticator app, sign out, sign in with password and code. */
async function secondFactor(login) {
  const page = await open('light', 1280);
  await page.goto(`${base}${root}/sign-in`);
  await page.keyboard.type(login.username);
  await page.keyboard.press('Tab');
  await page.keyboard.type(login.password);
  await enter(page);
  await page.goto(`${base}${root}/account`);
  await reach(page, 'a[href$="/account/totp"]');
  await enter(page);
  const secret = await page.textContent('code.secret');
  await reach(page, '#code');
  await page.keyboard.type('000000');
  await enter(page);
  await scan(page, 'totp-wrong', true);
  if (!(await page.title()).startsWith('Error:')) note('second factor', 'the title does not say that something is wrong');
  await reach(page, '#code');
  await page.keyboard.type(code(secret));
  await enter(page);
  await scan(page, 'recovery-codes', true);
  const codes = await page.locator('ol.codes code').allTextContents();
  // Who had some keeps those; see below.
  if (codes.length && codes.length < 8) note('second factor', `${codes.length} recovery codes`);
  await reach(page, 'form.account button');
  await enter(page);
  await reach(page, '#username');
  await page.keyboard.type(login.username);
  await page.keyboard.press('Tab');
  await page.keyboard.type(login.password);
  await enter(page);
  if (!page.url().includes('/sign-in/second')) note('second factor', `not asked for; landed on ${page.url()}`);
  await scan(page, 'second-factor', true);
  await reach(page, '#code');
  // The code of this half minute was used when the app was set up.
  await page.keyboard.type(code(secret, Date.now() + 30_000));
  await enter(page);
  if (page.url().includes('/sign-in')) note('second factor', `the code does not let in: ${await page.textContent('main')}`);
  await page.goto(`${base}${root}/account`);
  await scan(page, 'account-protected', true);
  if (/\b0 left/.test(await page.textContent('main'))) note('second factor', 'there are no recovery codes');
  await reach(page, 'form[action$="/totp/remove"] button');
  await enter(page);
  if (page.url().includes('/prove')) {
    await reach(page, '#password');
    await page.keyboard.type(login.password);
    await enter(page);
  }
  await page.context().close();
}

/** A passkey is added, and then opens the door without a user name (Chromium's own virtual authenticator). */
async function passkey(login) {
  const page = await open('light', 1280);
  const client = await page.context().newCDPSession(page);
  await client.send('WebAuthn.enable');
  await client.send('WebAuthn.addVirtualAuthenticator', { options: {
    protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true,
  } });
  await page.goto(`${named}${root}/sign-in`);
  await page.keyboard.type(login.username);
  await page.keyboard.press('Tab');
  await page.keyboard.type(login.password);
  await enter(page);
  await page.goto(`${named}${root}/account/passkeys`);
  await reach(page, '#passkey-name');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('Scan laptop');
  await reach(page, 'form.passkey button');
  await enter(page);
  await page.goto(`${named}${root}/account`);
  if (!(await page.textContent('main')).includes('Scan laptop')) note('passkey', 'it was not added');
  await scan(page, 'account-passkey', true);
  await reach(page, 'form.account button');
  await enter(page);
  await reach(page, 'form.passkey button');
  await enter(page);
  if (page.url().includes('/sign-in')) note('passkey', `it does not let in: ${page.url()} ${await page.textContent('main')}`);
  await page.goto(`${named}${root}/account`);
  await reach(page, 'form[action$="/passkeys/remove"] button');
  await enter(page);
  if (!page.url().includes('no-passkey')) note('passkey', `it could not be removed: ${page.url()}`);
  await page.context().close();
}

/** Opened with a reason, seen on every page, ended by hand, reviewed; the patient is told. */
async function breakGlass() {
  const page = await open('light', 1280, states.nurse);
  await page.goto(`${base}${root}/patients/${patients.full}`);
  await reach(page, 'a[href$="/emergency"]', 200);
  await enter(page);
  await reach(page, '#reason');
  await page.keyboard.type('short');
  await reach(page, 'main form button.primary');
  await enter(page);
  if (!(await page.title()).startsWith('Error:')) note('break-glass', 'a short reason is taken');
  await scan(page, 'emergency-error', true);
  await reach(page, '#reason');
  await page.keyboard.type(' – found unconscious, no history known');
  await reach(page, 'main form button.primary');
  await enter(page);
  if (!(await page.locator('.emergency').count())) note('break-glass', 'no banner');
  await scan(page, 'emergency-banner', true);
  await page.emulateMedia({ colorScheme: 'dark' });
  await scan(page, 'emergency-banner-dark', true);
  const officer = await open('light', 1280, states['privacy-officer']);
  await officer.goto(`${base}${root}/admin/audit`);
  if (!(await officer.locator('a.alarm').count())) note('break-glass', 'the privacy officer is not alerted');
  await reach(officer, 'a.alarm');
  await enter(officer);
  await scan(officer, 'emergency-queue', true);
  await officer.setViewportSize({ width: 320, height: 900 });
  await scan(officer, 'emergency-queue-320', true);
  await reach(officer, 'section.review textarea');
  await officer.keyboard.type('Called the ward; justified.');
  await reach(officer, 'section.review button');
  await enter(officer);
  await officer.context().close();
  await page.goto(`${base}${root}/account`);
  await reach(page, '.emergency button');
  await enter(page);
  if (await page.locator('.emergency').count()) note('break-glass', 'the banner stays after the end');
  await page.context().close();
}

/** A session left alone is warned about, then locked; the page stays and the same person opens it again. */
async function idle(login) {
  const { state: own } = await signIn(login, `${root}/`);
  const page = await open('light', 1280, own);
  await page.clock.install();
  await page.goto(`${base}${root}/account/password`);
  await page.fill('#new', 'half typed');
  await page.clock.fastForward(13 * 60_000 + 500);
  await page.waitForTimeout(50);
  if (!(await page.textContent('#idle')).includes('two minutes')) note('idle', 'there is no warning');
  await scan(page, 'idle-warning', true);
  await page.keyboard.press('Shift');
  await page.clock.fastForward(1_000);
  if (await page.textContent('#idle')) note('idle', 'one key does not keep the session');
  await page.clock.fastForward(16 * 60_000);
  await page.waitForSelector('#lock[open]');
  await scan(page, 'locked', true);
  await page.fill('#lock-password', login.password);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#lock:not([open])', { state: 'attached' });
  if ((await page.inputValue('#new')) !== 'half typed') note('idle', 'what was typed is lost');
  await page.context().close();
}

/** A patient lets an app in, sees it, and takes back what it was given: its token works no more. */
async function revoke() {
  const client = org.clients?.find((it) => it.kind === 'public');
  if (!client) return note('apps', 'the demonstration has no public app');
  const page = await open('light', 1280, states.patient);
  const verifier = 'x'.repeat(64);
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const id = client.client_id;
  const redirect = client.redirect_uri;
  const asked = new URLSearchParams({ response_type: 'code', client_id: id, redirect_uri: redirect, state: 'scan', aud: `${base}${root}/fhir`,
    scope: 'launch/patient patient/*.rs', code_challenge: challenge, code_challenge_method: 'S256' });
  let answer = '';
  // The app itself: it takes what it is given.
  apps.add(new URL(redirect).origin);
  const app = createServer((request, response) => {
    if (request.url.includes('code=')) answer = new URL(request.url, redirect).href;
    response.end('back in the app');
  }).listen(Number(new URL(redirect).port), new URL(redirect).hostname);
  await page.goto(`${base}${root}/auth/authorize?${asked}`);
  await scan(page, 'consent', true);
  await reach(page, 'button[value=allow]');
  await enter(page);
  const grant = new URLSearchParams({ grant_type: 'authorization_code', code: new URL(answer || base).searchParams.get('code') ?? '', redirect_uri: redirect,
    client_id: id, code_verifier: verifier });
  const given = await fetch(`${base}${root}/auth/token`, { method: 'POST', body: grant }).then((it) => it.json());
  const look = () => fetch(`${base}${root}/fhir/Patient`, { headers: { authorization: `Bearer ${given.access_token}` } }).then((it) => it.status);
  if ((await look()) !== 200) note('apps', 'the app gets nothing although it was allowed');
  await page.goto(`${base}${root}/portal/apps`);
  await scan(page, 'app-connected', true);
  await reach(page, 'form[action$="/portal/apps/revoke"] button');
  await enter(page);
  await scan(page, 'app-revoked', true);
  if (!page.url().includes('app-revoked')) note('apps', `access was not taken back: ${page.url()}`);
  if ((await look()) !== 401) note('apps', 'the token still works');
  app.closeAllConnections();
  app.close();
  await page.context().close();
}

if (!only || only === 'journeys') {
  await banner();
  await keyboard();
  await extremes();
  await plain();
  await breakGlass();
  await idle(loginOf('biller'));
  await passkey(loginOf('front-desk'));
  await secondFactor(loginOf('biller'));
  await revoke();
}
await finish(() => {
  writeFileSync(`${out}/report.json`, JSON.stringify({ scans: count.scans, found }, null, 2));
  console.log(`${count.scans} scans, ${found.length} findings`);
});
