// Journeys of clinicians through the running product, from the first click to what the record holds afterwards.
//
//   node tests/browser/journeys.mjs http://127.0.0.1:8080 continuo-demo/demo.json --out shots [--only 01]
//
// Each file of `journeys/` is one. It says what it needs and does it as people do: every click, chord and filled field
// is counted as one action, and where a journey promises a number of actions it is held to it. A journey with `keyboard`
// uses no pointer: it reaches everything with Tab and opens it with Enter or Space. Screenshots are kept in `--out`.

import { readdirSync, writeFileSync } from 'node:fs';
import { ask, base, finish, found, line, loginOf, note, only, open, org, out, post, put, root, signIn } from './look.mjs';

const states = {};
for (const login of org.logins) {
  if (!(login.role in states)) ({ state: states[login.role] } = await signIn(login, `${root}/`));
}

/** What a journey works with: somebody's page, with everything they do counted. */
class Person {
  constructor(page, journey) {
    this.page = page;
    this.journey = journey;
    this.actions = 0;
    this.shots = 0;
  }

  get where() { return new URL(this.page.url()).pathname; }

  /** Counting begins anew: what follows must take no more than so many actions. */
  begin() { this.actions = 0; }

  most(actions, what) {
    console.log(`    ${what}: ${this.actions} actions`);
    this.journey.counts.push({ what, actions: this.actions, most: actions });
    if (this.actions > actions) note(this.journey.name, `${what} takes ${this.actions} actions, more than ${actions}`);
  }

  async go(path) { await this.page.goto(path.startsWith('http') ? path : `${base}${path}`); }

  /** With the keyboard: Tab until it has the focus. Every press is looked at, none is an action. */
  async reach(want) {
    const page = this.page;
    const on = () => page.evaluate((it) => document.activeElement?.matches(it) ?? false, want);
    for (let n = 0; n < 260; n += 1) {
      if (await on()) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`Tab does not reach ${want} on ${this.where}`);
  }

  /** A link, a button or a box. `leads` says that another page follows. */
  async click(want, leads = true) {
    this.actions += 1;
    const page = this.page;
    await page.waitForSelector(want, { state: 'attached', timeout: 8_000 }).catch(() => { throw new Error(`there is no ${want} on ${this.where}`); });
    const act = async () => {
      if (!this.journey.keyboard) return page.click(want, { timeout: 8_000 });
      await this.reach(want);
      const space = await page.evaluate(() => document.activeElement.matches('input[type=checkbox], input[type=radio], summary'));
      return page.keyboard.press(space ? 'Space' : 'Enter');
    };
    if (leads) await Promise.all([page.waitForNavigation({ timeout: 15_000 }), act()]);
    else await act();
  }

  /** A chord, as `Control+Enter`. */
  async press(chord, leads = false) {
    this.actions += 1;
    if (leads) await Promise.all([this.page.waitForNavigation({ timeout: 15_000 }), this.page.keyboard.press(chord)]);
    else await this.page.keyboard.press(chord);
  }

  async fill(want, text) {
    this.actions += 1;
    const page = this.page;
    await page.waitForSelector(want, { timeout: 8_000 }).catch(() => { throw new Error(`there is no ${want} on ${this.where}`); });
    const list = await page.evaluate((it) => document.querySelector(it).matches('select'), want);
    if (list) {
      if (this.journey.keyboard) await this.reach(want);
      return page.selectOption(want, text);
    }
    if (!this.journey.keyboard) return page.fill(want, text);
    await this.reach(want);
    await page.keyboard.press('Control+a');
    return page.keyboard.type(text);
  }

  /** What must be on the page now. */
  async sees(text, what = text) {
    const body = await this.page.textContent('body');
    if (text instanceof RegExp ? !text.test(body) : !body.includes(text)) throw new Error(`${what} is not on ${this.where}`);
  }

  async shot(name) {
    this.shots += 1;
    await this.page.screenshot({ path: `${out}/journey-${this.journey.number}-${String(this.shots).padStart(2, '0')}-${name}.png`, fullPage: true });
  }

  async leave() { await this.page.context().close(); }
}

const told = [];
for (const file of readdirSync(new URL('./journeys/', import.meta.url)).sort()) {
  if (!file.endsWith('.mjs') || !file.includes(only)) continue;
  const journey = { counts: [], keyboard: false, ...(await import(`./journeys/${file}`)).default };
  console.log(`journey ${journey.number}: ${journey.name}${journey.keyboard ? ', with the keyboard alone' : ''}`);
  const people = [];
  const began = Date.now();
  try {
    await journey.run({
      as: async (role, more) => {
        if (!states[role]) throw new Error(`nobody of the demonstration is ${role}`);
        const person = new Person(await open('light', 1280, states[role], 900, more), journey);
        people.push(person);
        return person;
      },
      ask, post, put, line, root, org, base, loginOf, note: (what) => note(journey.name, what),
    });
  } catch (error) {
    note(`journey ${journey.number}`, error.message.split('\n')[0]);
    for (const person of people) await person.shot('stuck').catch(() => {});
  }
  for (const person of people) await person.leave().catch(() => {});
  told.push({ number: journey.number, name: journey.name, counts: journey.counts, seconds: (Date.now() - began) / 1_000 });
}
await finish(() => {
  writeFileSync(`${out}/journeys.json`, JSON.stringify({ told, found }, null, 2));
  console.log(`${told.length} journeys, ${found.length} findings`);
});
