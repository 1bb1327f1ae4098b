// Interfaces of others against the real program with its demo: messages come over MLLP from the npm package
// node-hl7-client and, with --python, from hl7 and hl7apy of PyPI; what they sent is in the record a moment later, once.
//
//   node tests/clients/hl7.mjs http://127.0.0.1:8080 continuo-demo/demo.json [--python PYTHON]
//
// Ends with 1 if anything is not as it should be.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Message } from 'node-hl7-client';

const [base, demoFile, ...rest] = process.argv.slice(2);
assert(base && demoFile, 'usage: hl7.mjs <base-url> <demo.json> [--python PYTHON]');
const python = rest.includes('--python') ? rest[rest.indexOf('--python') + 1] : null;
const org = JSON.parse(readFileSync(demoFile, 'utf8')).organisations[0];
const [host, port] = [org.mllp.split(':')[0], Number(org.mllp.split(':')[1])];

async function total(query) {
  const answer = await fetch(`${org.fhir}/${query}&_summary=count`, { headers: { authorization: `Bearer ${org.token}` } });
  assert.equal(answer.status, 200, query);
  return (await answer.json()).total;
}

/** Sends a message as node-hl7-client does, and gives the code of the acknowledgement. */
function send(text) {
  return new Promise((resolve, reject) => {
    const client = new Client({ host, version: '2.5.1' });
    const late = setTimeout(() => reject(new Error('no acknowledgement within ten seconds')), 10_000);
    const line = client.createConnection({ port, waitAck: true }, async (response) => {
      clearTimeout(late);
      const code = response.getMessage().get('MSA.1').toString();
      await line.close();
      resolve(code);
    });
    line.sendMessage(new Message({ text })).catch(reject);
  });
}

const oru = (control, order, value) => [
  `MSH|^~\\&|JSLAB|PEER|EHR|HERE|20260601100000||ORU^R01^ORU_R01|${control}|P|2.5.1`,
  'PID|1||js-77^^^PEER^MR||Peer^Jasmin||19700101|F',
  `OBR|1||${order}^PEER|24326-1^Electrolytes^LN|||20260601080000|||||||||||||||20260601100000||LAB|F`,
  `OBX|1|NM|2823-3^Potassium^LN||${value}|mmol/L|3.5-5.1|N|||F|||20260601080000`,
].join('\r');

assert.equal(await send(oru('js-1', 'js-order-1', '4.1')), 'AA');
assert.equal(await send(oru('js-1', 'js-order-1', '4.1')), 'AA', 'the same again');
assert.equal(await send(oru('js-1', 'js-order-1', '4.2')), 'AA', 'the same number for something else is another message');
assert.equal(await send(oru('js-2', 'js-order-2', '4.4').replace('PID|', 'PIX|')), 'AE', 'nobody is told');
assert.equal(await send(oru('js-3', 'js-order-3', '4.4')), 'AA', 'what failed holds nobody up');
const identifier = (value) => `identifier=${encodeURIComponent(`urn:id:PEER|${value}`)}`;
for (const order of ['js-order-1', 'js-order-3']) assert.equal(await total(`DiagnosticReport?${identifier(order)}`), 1, order);
assert.equal(await total(`DiagnosticReport?${identifier('js-order-2')}`), 0);

if (python) {
  const script = join(dirname(fileURLToPath(import.meta.url)), 'lines.py');
  const run = spawnSync(python, [script], { input: JSON.stringify({ host, port }), encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  const sent = JSON.parse(run.stdout);
  for (const order of sent.orders) assert.equal(await total(`DiagnosticReport?${identifier(order)}`), 1, order);
  for (const patient of sent.patients) assert.equal(await total(`Patient?${identifier(patient)}`), 1, patient);
}
console.log(`messages of ${python ? 'three' : 'one'} peer libraries came in once each`);
