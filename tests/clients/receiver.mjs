// Messages that go out, in the hands of others: the npm package node-hl7-server is the partner at the other end of a line,
// and hl7apy of PyPI reads what it was sent, strictly by the tables of version 2.5.1.
//
//   node tests/clients/receiver.mjs BINARY FOLDER --python PYTHON
//
// Starts a program of its own in the folder, with one channel that sends. Ends with 1 if anything is not as it should be.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Server } from 'node-hl7-server';

const [binary, folder, ...rest] = process.argv.slice(2);
assert(binary && folder, 'usage: receiver.mjs BINARY FOLDER --python PYTHON');
const python = rest.includes('--python') ? rest[rest.indexOf('--python') + 1] : null;

const freePort = () => new Promise((resolve) => {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

const until = async (what, holds) => {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`${what} did not come about within a minute`);
};

const [port, line] = [await freePort(), await freePort()];
const base = `http://127.0.0.1:${port}/riverside`;
const received = [];
const partner = new Server({ bindAddress: '127.0.0.1' });
const inbound = partner.createInbound({ port: line }, async (request, response) => {
  received.push(request.getMessage().toString());
  await response.sendResponse('AA');
});

mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'continuo.toml'), `
[data]
folder = "data"
[health]
disk_free_mb = 1
[organisation.riverside]
name = "Riverside"
[channel.lab]
organisation = "riverside"
send = "mllp://127.0.0.1:${line}"
events = "*"
application = "LAB"
facility = "LAKE"
`);
const log = openSync(join(folder, 'log'), 'a');
const program = spawn(binary, ['--config', 'continuo.toml', 'serve', '--bind', `127.0.0.1:${port}`], { cwd: folder, stdio: ['ignore', log, log] });
try {
  await until('that the program is ready', async () => {
    try { return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok; } catch { return false; }
  });
  const made = spawnSync(binary, ['--config', 'continuo.toml', 'token', '--name', 'peer', '--json'], { cwd: folder, encoding: 'utf8' });
  const { token } = JSON.parse(made.stdout);
  await new Promise((resolve) => setTimeout(resolve, 1_500));

  const subject = { reference: 'Patient/ada' };
  const put = async (resource) => {
    const answer = await fetch(`${base}/fhir/${resource.resourceType}/${resource.id}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' },
      body: JSON.stringify(resource),
    });
    assert(answer.ok, `${resource.resourceType}: ${answer.status} ${await answer.text()}`);
  };
  const loinc = (code, display) => ({ coding: [{ system: 'http://loinc.org', code, display }] });
  const doctor = { reference: 'Practitioner/lind' };
  const encounter = { reference: 'Encounter/v1' };
  const person = {
    resourceType: 'Patient', id: 'ada', name: [{ use: 'official', family: 'Byron', given: ['Ada'] }], birthDate: '1986-02-03', gender: 'female',
    identifier: [{ system: 'urn:oid:1.2.3.4', value: 'R-7', type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }] } }],
    address: [{ use: 'home', line: ['1 Main St'], city: 'Columbus', state: 'OH', postalCode: '43004', country: 'US' }],
    telecom: [{ system: 'phone', use: 'home', value: '(614) 555-0107' }], generalPractitioner: [doctor],
  };
  const visit = {
    resourceType: 'Encounter', id: 'v1', status: 'in-progress', class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
    subject, participant: [{ individual: doctor }], period: { start: '2026-06-15T08:00:00Z' }, diagnosis: [{ condition: { reference: 'Condition/c1' } }],
  };
  await put({ resourceType: 'Practitioner', id: 'lind', name: [{ family: 'Lind', given: ['Maja'] }], identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '1234567893' }] });
  await put(person);
  await put({ ...person, gender: 'other' });
  await put({ resourceType: 'Condition', id: 'c1', subject, code: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'J18.9', display: 'Pneumonia' }] }, onsetDateTime: '2026-06-01' });
  await put(visit);
  await put({ resourceType: 'Practitioner', id: 'other', name: [{ family: 'Other' }] });
  const order = (id, category, code) => ({
    resourceType: 'ServiceRequest', id, status: 'active', intent: 'order', subject, encounter, requester: doctor, authoredOn: '2026-06-15T08:10:00Z',
    category: [{ coding: [{ system: 'http://snomed.info/sct', code: category }] }], code, priority: 'routine', note: [{ text: 'Fasting' }],
  });
  await put(order('o1', '108252007', loinc('2823-3', 'Potassium')));
  await put(order('o2', '363679005', loinc('36643-5', 'Chest X-ray')));
  const number = (id, code, value, unit) => ({
    resourceType: 'Observation', id, status: 'final', subject, code: loinc(code, id), effectiveDateTime: '2026-06-15T08:30:00Z',
    valueQuantity: { value, unit, system: 'http://unitsofmeasure.org', code: unit }, referenceRange: [{ low: { value: 3.5 }, high: { value: 5.1 } }],
    interpretation: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation', code: 'N' }] }], note: [{ text: 'Repeat | in a week' }],
  });
  await put(number('potassium', '2823-3', 4.1, 'mmol/L'));
  await put({
    resourceType: 'DiagnosticReport', id: 'r1', status: 'final', subject, encounter, code: loinc('24326-1', 'Electrolytes'), issued: '2026-06-15T11:00:00Z',
    effectiveDateTime: '2026-06-15T08:30:00Z', basedOn: [{ reference: 'ServiceRequest/o1' }], result: [{ reference: 'Observation/potassium' }],
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0074', code: 'LAB' }] }], conclusion: 'All is well.',
  });
  await put({
    resourceType: 'Immunization', id: 'i1', status: 'completed', patient: subject, primarySource: true, occurrenceDateTime: '2026-06-15', lotNumber: 'F1',
    vaccineCode: { coding: [{ system: 'http://hl7.org/fhir/sid/cvx', code: '140', display: 'Influenza' }] }, performer: [{ actor: doctor }],
    route: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration', code: 'IM' }] },
  });
  const appointment = {
    resourceType: 'Appointment', id: 'a1', status: 'booked', start: '2026-07-01T10:00:00Z', end: '2026-07-01T10:20:00Z', minutesDuration: 20,
    participant: [{ actor: subject, status: 'accepted' }, { actor: doctor, status: 'accepted' }], serviceType: [{ text: 'Visit' }],
  };
  await put(appointment);
  await put({ ...appointment, start: '2026-07-01T11:00:00Z', end: '2026-07-01T11:20:00Z' });
  await put({ ...appointment, start: '2026-07-01T11:00:00Z', end: '2026-07-01T11:20:00Z', status: 'cancelled' });
  await put({
    resourceType: 'DocumentReference', id: 'd1', status: 'current', docStatus: 'final', subject, type: loinc('11506-3', 'Progress note'), date: '2026-06-15T09:00:00Z',
    author: [doctor], authenticator: doctor, context: { encounter: [encounter] },
    content: [{ attachment: { contentType: 'text/plain', data: Buffer.from('Cough for a week.\nRest.').toString('base64') } }],
  });
  await put({ resourceType: 'ChargeItem', id: 'f1', status: 'billable', subject, context: encounter, occurrenceDateTime: '2026-06-15T09:00:00Z', code: { coding: [{ system: 'urn:continuo:visit-level', code: 'established-3', display: 'Office visit' }] } });
  await put({ ...visit, status: 'finished', period: { start: '2026-06-15T08:00:00Z', end: '2026-06-15T09:00:00Z' } });

  const wanted = ['ADT^A28', 'ADT^A31', 'ADT^A04', 'OML^O21', 'ORM^O01', 'ORU^R01', 'VXU^V04', 'SIU^S12', 'SIU^S13', 'SIU^S15', 'MDM^T02', 'DFT^P03', 'ADT^A03'];
  await until('that all messages are there', () => received.length >= wanted.length);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const kinds = received.map((it) => it.split('\r')[0].split('|')[8].split('^').slice(0, 2).join('^'));
  assert.deepEqual(kinds, wanted, 'each once, in the order in which it happened');
  const control = received.map((it) => Number(it.split('|')[9]));
  assert.deepEqual(control, [...control].sort((a, b) => a - b), 'numbers grow');

  if (python) {
    const script = join(dirname(fileURLToPath(import.meta.url)), 'strict.py');
    const run = spawnSync(python, [script], { input: JSON.stringify(received), encoding: 'utf8' });
    assert.equal(run.status, 0, run.stderr + run.stdout);
    process.stdout.write(run.stdout);
  }
  console.log(`${received.length} messages went out to a peer library, each once and in order`);
} finally {
  program.kill('SIGKILL');
  await inbound.close();
}
