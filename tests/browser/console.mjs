// The console of interfaces with much in it: ten thousand messages and two hundred errors come over MLLP, then its pages
// are looked at in every theme and width, and the time that the server takes for them is measured.
//
//   node tests/browser/console.mjs http://127.0.0.1:8080 continuo-demo/demo.json [--messages N] [--errors N] [--out DIR]
//
// Ends with 1 if a page is slow, or anything else is found.

import { connect } from 'node:net';
import { base, count, finish, loginOf, note, open, option, org, out, root, scan, signIn } from './look.mjs';

const messages = Number(option('--messages', '10000'));
const errors = Number(option('--errors', '200'));
/** Milliseconds that a page of the console may take on the server, in the median. */
const SLOW = 150;
const LINES = 16;

const FAMILIES = ['Abara', 'Bonnet', 'Castile', 'Dvorak', 'Eriksen', 'Fontana', 'Grieg', 'Hossain', 'Iwata', 'Jansen'];
const GIVEN = ['Chidi', 'Odile', 'Iago', 'Milena', 'Tove', 'Renzo', 'Solveig', 'Rafiq', 'Kenji', 'Wim'];
const two = (n) => String(n).padStart(2, '0');

function pid(n) {
  const name = `${FAMILIES[n % 10]}^${GIVEN[Math.floor(n / 10) % 10]}`;
  return `PID|1||filled-${n}^^^FILL^MR||${name}||19${30 + ((n * 7) % 60)}${two((n % 12) + 1)}${two((n % 27) + 1)}|F`;
}

/** A result, an admission or an appointment, each of somebody. */
function right(n) {
  const at = `202606${two((n % 28) + 1)}${two(n % 24)}${two(n % 60)}00`;
  const header = (kind) => `MSH|^~\\&|SYS${n % 7}|FILL|EHR|HERE|${at}||${kind}|fill-${n}|P|2.5.1`;
  if (n % 5 === 0) return [header('ADT^A08'), `EVN|A08|${at}`, pid(n % 100), `PV1|1|O|Clinic ${n % 4}|||||||||||||||||V${n}`];
  if (n % 11 === 0) return [header('SIU^S12'), `SCH|A${n}|A${n}||||Visit|ROUTINE|Normal|30|min|^^30^${at}^${at}`, pid(n % 100), 'RGS|1', 'AIL|1||Clinic 1'];
  return [header('ORU^R01^ORU_R01'), pid(n % 100), `OBR|1||fill-${n}^FILL|24326-1^Electrolytes^LN|||${at}|||||||||||||||${at}||LAB|F`,
    `OBX|1|NM|2823-3^Potassium^LN||${(3 + (n % 30) / 10).toFixed(1)}|mmol/L|3.5-5.1|N|||F|||${at}`];
}

/** Messages that fail, for different reasons. */
const WRONG = [
  (n) => right(n).map((it) => it.replace('PID|', 'PIX|').replace('ADT^A08', 'ORU^R01').replace('SIU^S12', 'ORU^R01')),
  (n) => right(n).map((it) => it.replace(/\|(ORU|ADT|SIU)\^[^|]*\|/, '||')),
  (n) => right(n).map((it) => it.replace('|P|2.5.1', '|P|3.0')),
  (n) => [`MSH|^~\\&|SYS|FILL|EHR|HERE|20260601||XYZ^Z9${n % 10}|odd-${n}|P|2.5.1`, `ZZZ|${n}`],
  (n) => [`hello, this is number ${n}`],
];

/** Sends many over one line, each after the answer to the one before. */
function send(all) {
  const [host, port] = org.mllp.split(':');
  return new Promise((resolve, reject) => {
    let [at, said] = [0, ''];
    const codes = {};
    const next = () => socket.write(`\x0b${all[at].join('\r')}\r\x1c\r`);
    const socket = connect(Number(port), host, next);
    socket.setTimeout(60_000, () => reject(new Error('no acknowledgement in time')));
    socket.on('error', reject).on('data', (some) => {
      said += some;
      if (!said.endsWith('\x1c\r')) return;
      const code = /\rMSA\|(\w\w)/.exec(said)?.[1] ?? '?';
      codes[code] = (codes[code] ?? 0) + 1;
      said = '';
      at += 1;
      if (at < all.length) next(); else { socket.end(); resolve(codes); }
    });
  });
}

const begun = Date.now();
const lines = Array.from({ length: LINES }, () => []);
const every = Math.max(1, Math.floor(messages / errors));
// A patient's messages come over one line.
for (let n = 0; n < messages; n += 1) {
  const wrong = errors > 0 && n % every === every - 1;
  lines[(n % 100) % LINES].push(wrong ? WRONG[Math.floor(n / every) % WRONG.length](n) : right(n));
}
const codes = {};
for (const it of await Promise.all(lines.filter((it) => it.length).map(send))) {
  for (const [code, many] of Object.entries(it)) codes[code] = (codes[code] ?? 0) + many;
}
const seconds = (Date.now() - begun) / 1000;
if (messages > 0) console.log(`${messages} messages in ${seconds.toFixed(1)} s (${(messages / seconds).toFixed(0)} a second): ${JSON.stringify(codes)}`);
if (messages > 0 && (codes.AE ?? 0) + (codes.AR ?? 0) < errors * 0.9) note('filling', `only ${JSON.stringify(codes)} of ${errors} errors`);

const login = loginOf('integration-engineer');
const { state } = await signIn(login, `${root}/interfaces/`);
const cookie = state.cookies.map((it) => `${it.name}=${it.value}`).join('; ');
const get = async (path) => {
  const began = performance.now();
  const answer = await fetch(`${base}${root}/${path}`, { headers: { cookie }, redirect: 'manual' });
  const text = await answer.text();
  return { status: answer.status, took: performance.now() - began, text };
};

const first = (await get('interfaces/messages')).text.match(/interfaces\/messages\/([0-9a-f]{32})/)?.[1];
const failed = (await get('interfaces/messages?state=failed')).text.match(/interfaces\/messages\/([0-9a-f]{32})/)?.[1];
let deep = '';
for (let page = 0, after = ''; page < 40; page += 1) {
  const { text } = await get(`interfaces/messages${after}`);
  const next = /href="[^"]*(\?[^"]*after=[^"]+)"/.exec(text)?.[1]?.replaceAll('&amp;', '&');
  if (!next) break;
  [after, deep] = [next, next];
}
const PAGES = {
  channels: 'interfaces/',
  messages: 'interfaces/messages',
  failed: 'interfaces/messages?state=failed',
  'one-kind': 'interfaces/messages?kind=ORU%5ER01',
  results: 'interfaces/messages?kind=ORU',
  'one-number': `interfaces/messages?control=fill-${messages >> 1}`,
  deep: `interfaces/messages${deep}`,
  errors: 'interfaces/errors',
  message: `interfaces/messages/${first}`,
  'failed-message': `interfaces/messages/${failed}`,
  bench: 'interfaces/bench',
};
console.log('page, median and slowest of nine, milliseconds, bytes:');
for (const [name, path] of Object.entries(PAGES)) {
  const times = [];
  let [size, status] = [0, 0];
  for (let n = 0; n < 9; n += 1) {
    const it = await get(path);
    times.push(it.took);
    [size, status] = [it.text.length, it.status];
  }
  times.sort((a, b) => a - b);
  console.log(`  ${name.padEnd(16)} ${times[4].toFixed(0).padStart(5)} ${times[8].toFixed(0).padStart(5)} ${size}`);
  if (status !== 200) note(path, `answered ${status}`);
  if (times[4] > SLOW) note(path, `takes ${times[4].toFixed(0)} ms`);
}
for (const theme of ['light', 'dark']) {
  for (const width of [1280, 360]) {
    const page = await open(theme, width, state);
    for (const [name, path] of Object.entries(PAGES)) {
      await page.goto(`${base}${root}/${path}`);
      await scan(page, `console-${name}-${theme}-${width}`, true);
    }
    await page.context().close();
  }
}
await finish(() => console.log(`${count.scans} pages looked at; pictures in ${out}`));
