// Apps that others wrote, against the real program with its demo: they get what they were given and nothing else.
//
//   node tests/clients/run.mjs http://127.0.0.1:8080 continuo-demo/demo.json [--python PYTHON] [--out DIR]
//
// The npm package fhirclient completes an EHR launch and a standalone launch in Chromium, for a clinician and for a
// patient; a program gets a token with its key; with --python, fhirclient and fhirpy of PyPI read with the same tokens.
// Ends with 1 if anything is not as it should be. Chromium is looked for at /usr/bin/chromium, or where CHROMIUM says.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const [base, demoFile, ...rest] = process.argv.slice(2);
const python = rest.includes('--python') ? rest[rest.indexOf('--python') + 1] : null;
const shots = rest.includes('--out') ? rest[rest.indexOf('--out') + 1] : null;
const demo = JSON.parse(readFileSync(demoFile, 'utf8'));
const org = demo.organisations[0];
const login = (role) => org.logins.find((it) => it.role === role);
const app = (kind) => org.clients.find((it) => it.kind === kind);
const here = dirname(fileURLToPath(import.meta.url));
const library = readFileSync(join(dirname(createRequire(import.meta.url).resolve('fhirclient/package.json')), 'build/fhir-client.js'));
const [patient, other] = [...new Set(org.examples.map((it) => it.patient))];
assert(base && patient && other, 'usage: run.mjs <base-url> <demo.json> [--python PYTHON]');

// The app: two pages, where the demo expects them. `/launch` asks, `/app` reads and leaves what it found in the page.
const SCOPE = 'launch openid fhirUser offline_access patient/Patient.rs patient/Observation.rs';
const page = (script) => `<!doctype html><html lang="en"><title>App</title><script src="/fhir-client.js"></script><script>${script}</script>`;
const launch = page(`
  const alone = !new URLSearchParams(location.search).has('launch');
  const scope = ${JSON.stringify(SCOPE)}.replace('launch', alone ? 'launch/patient' : 'launch');
  FHIR.oauth2.authorize({ clientId: 'demo-public', scope, redirectUri: '/app', pkceMode: 'required' })
    .catch((error) => { document.title = 'failed: ' + error.message; });`);
const result = page(`
  const attempt = async (what) => { try { return { ok: await what() }; } catch (error) { return { refused: error.statusCode ?? error.status ?? String(error) }; } };
  FHIR.oauth2.ready().then(async (client) => {
    const told = { patient: client.patient.id, user: client.user.fhirUser, token: client.state.tokenResponse };
    told.read = await attempt(() => client.patient.read());
    told.search = await attempt(() => client.request('Observation?patient=' + client.patient.id + '&_count=5'));
    told.other = await attempt(() => client.request('Patient/\${other}'));
    told.condition = await attempt(() => client.request('Condition?patient=' + client.patient.id));
    told.write = await attempt(() => client.create({ resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: { reference: 'Patient/' + client.patient.id } }));
    await client.refresh();
    told.again = await attempt(() => client.patient.read());
    told.refreshed = client.state.tokenResponse.access_token !== told.token.access_token;
    window.told = told;
    document.title = 'done';
  }).catch((error) => { document.title = 'failed: ' + error.message; });`);
let stranger = other;
const server = createServer((request, response) => {
  const path = new URL(request.url, 'http://x').pathname;
  const [type, body] = path === '/fhir-client.js' ? ['text/javascript', library]
    : ['text/html', path === '/launch' ? launch : path === '/app' ? result.replaceAll('${other}', stranger) : ''];
  response.writeHead(body ? 200 : 404, { 'content-type': type }).end(body);
});
await new Promise((done) => server.listen(8765, '127.0.0.1', done));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

async function signIn(page, who) {
  await page.fill('#username', who.username);
  await page.fill('#password', who.password);
  await Promise.all([page.waitForNavigation(), page.press('#password', 'Enter')]);
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The page as it is, in light and dark, wide and narrow: nothing against WCAG, nothing sideways. */
async function look(page, name) {
  await page.evaluate(axe);
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1280, 320]) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: 900 });
      // Colours have changed when they are drawn again.
      await page.waitForTimeout(400);
      const found = await page.evaluate(() => globalThis.axe.run(document, {
        runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] },
        resultTypes: ['violations'],
      }));
      if (shots) await page.screenshot({ path: `${shots}/${name}-${colorScheme}-${width}.png`, fullPage: true });
      const told = found.violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.target.join(' ')).join(', ')}`);
      assert.deepEqual(told, [], `${name} ${colorScheme} ${width}`);
      const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth);
      assert.equal(wide, 0, `${name} ${colorScheme} ${width} scrolls sideways`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** Says yes on the consent page, and waits for what the app found. */
async function allow(page, name) {
  await page.waitForSelector('button[value=allow]');
  assert.match(new URL(page.url()).pathname, /\/authorize\//);
  await look(page, name);
  await page.click('button[value=allow]');
  await page.waitForFunction(() => document.title === 'done' || document.title.startsWith('failed'), null, { timeout: 30000 });
  assert.equal(await page.title(), 'done');
  return page.evaluate(() => globalThis.told);
}

function check(name, told, expected) {
  assert.equal(told.patient, expected, name);
  assert.equal(told.read.ok.id, expected, name);
  assert.equal(told.search.ok.resourceType, 'Bundle', name);
  for (const entry of told.search.ok.entry ?? []) assert.equal(entry.resource.subject.reference, `Patient/${expected}`, name);
  assert.equal(told.other.refused, 404, `${name}: another patient ${JSON.stringify(told.other)}`);
  assert([403, 404].includes(told.condition.refused), `${name}: a type without a scope ${JSON.stringify(told.condition)}`);
  assert.equal(told.write.refused, 403, `${name}: writing ${JSON.stringify(told.write)}`);
  assert.equal(told.again.ok.id, expected, `${name}: after a refresh`);
  assert(told.refreshed, `${name}: the token was refreshed`);
  console.log(`  ${name}: fits`);
}

async function fresh() {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.on('console', (message) => { if (message.type() === 'error') console.log(`    console: ${message.text()}`); });
  return page;
}

// An EHR launch: from the launcher page, as a clinician.
const ehr = await fresh();
await ehr.goto(`${base}/${org.slug}/launcher`);
await signIn(ehr, login('clinician'));
await look(ehr, 'launcher');
await ehr.selectOption('#app-ehr', 'demo-public');
const chosen = await ehr.inputValue('input[name=patient]:checked');
await Promise.all([ehr.waitForNavigation(), ehr.click('text=Prepare EHR launch')]);
stranger = chosen === other ? patient : other;
await ehr.click('#ready');
check('EHR launch by a clinician', await allow(ehr, 'consent-launch'), chosen);

// A standalone launch: the clinician finds the patient on the consent page.
const alone = await fresh();
await alone.goto(`http://127.0.0.1:8765/launch?iss=${encodeURIComponent(org.fhir)}`);
await alone.waitForSelector('#username');
await signIn(alone, login('clinician'));
const named = await (await fetch(`${org.fhir}/Patient/${patient}`, { headers: { authorization: `Bearer ${org.token}` } })).json();
stranger = other;
await alone.fill('#q', `${named.name[0].family} ${named.birthDate}`);
await Promise.all([alone.waitForNavigation(), alone.press('#q', 'Enter')]);
await alone.check(`input[name=patient][value="${patient}"]`);
check('standalone launch by a clinician', await allow(alone, 'consent-staff'), patient);

// A standalone launch by a patient: their own record, without being asked whose.
const own = login('patient');
const portal = await fresh();
stranger = own.patient === other ? patient : other;
await portal.goto(`http://127.0.0.1:8765/launch?iss=${encodeURIComponent(org.fhir)}`);
await portal.waitForSelector('#username');
await signIn(portal, own);
const mine = await allow(portal, 'consent-patient');
check('standalone launch by a patient', mine, own.patient);

// Saying no leads back to the app with an error and without a code.
const refusing = await fresh();
await refusing.goto(`http://127.0.0.1:8765/launch?iss=${encodeURIComponent(org.fhir)}`);
await refusing.waitForSelector('#username');
await signIn(refusing, own);
await refusing.click('button[value=refuse]');
await refusing.waitForURL(/127\.0\.0\.1:8765\/app\?error=access_denied/);
console.log('  a refusal: fits');

// Our own app on the launcher page.
const launcher = await fresh();
await launcher.goto(`${base}/${org.slug}/launcher`);
await signIn(launcher, login('clinician'));
await Promise.all([launcher.waitForNavigation(), launcher.click('text=Prepare EHR launch')]);
await launcher.click('#ready');
await launcher.waitForSelector('button[value=allow]');
await launcher.click('button[value=allow]');
await launcher.waitForFunction(() => document.querySelectorAll('pre').length >= 3, null, { timeout: 30000 });
assert.equal(await launcher.textContent('#state'), 'Connected.');
await look(launcher, 'launcher-app');
console.log('  the launcher: fits');
await browser.close();
server.close();

// A program that acts for itself (SMART Backend Services).
const backend = app('backend');
const smart = await (await fetch(org.smart_configuration)).json();
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
function assertion(claims = {}) {
  const now = Math.floor(Date.now() / 1000);
  const signed = `${part({ alg: 'ES384', typ: 'JWT', kid: backend.private_jwk.kid })}.${part({
    iss: backend.client_id, sub: backend.client_id, aud: smart.token_endpoint, exp: now + 240, jti: randomUUID(), ...claims })}`;
  const key = createPrivateKey({ key: backend.private_jwk, format: 'jwk' });
  return `${signed}.${sign('sha384', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}
const ask = (scope, proof) => fetch(smart.token_endpoint, { method: 'POST', body: new URLSearchParams({
  grant_type: 'client_credentials', scope, client_assertion: proof,
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' }) });
const proof = assertion();
const given = await (await ask('system/Patient.rs system/Observation.rs', proof)).json();
assert.equal(given.expires_in, 300, JSON.stringify(given));
const asProgram = (path, init = {}) => fetch(`${org.fhir}/${path}`, { ...init, headers: { authorization: `Bearer ${given.access_token}`, 'content-type': 'application/fhir+json' } });
assert.equal((await asProgram(`Patient/${patient}`)).status, 200);
assert.equal((await asProgram(`Patient/${other}`)).status, 200);
assert([403, 404].includes((await asProgram('Condition?_count=1')).status));
assert.equal((await asProgram('Patient', { method: 'POST', body: JSON.stringify({ resourceType: 'Patient' }) })).status, 403);
assert.equal((await ask('system/Patient.rs', proof)).status, 401, 'a statement is good once');
assert.equal((await (await ask('user/Patient.rs', assertion())).json()).error, 'invalid_scope');
console.log('  a backend service: fits');

if (python) {
  const input = JSON.stringify({ fhir: org.fhir, program: given.access_token, app: mine.token.access_token, patient: own.patient, other: stranger });
  const done = spawnSync(python, [join(here, 'check.py')], { input, stdio: ['pipe', 'inherit', 'inherit'] });
  assert.equal(done.status, 0, 'the Python clients');
}
console.log('clients: all fit');
