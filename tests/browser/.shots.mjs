import { readFileSync, mkdirSync } from 'node:fs';
import { chromium } from 'playwright-core';
const [base, demoFile, out, role, ...paths] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const demo = JSON.parse(readFileSync(demoFile, 'utf8')).organisations[0];
const login = demo.logins.find((it) => it.role === role || it.username === role);
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless', '--no-sandbox', '--disable-gpu'] });
let state;
for (const [theme, width] of [['light', 1280], ['dark', 360]]) {
  const c = await b.newContext({ viewport: { width, height: 900 }, colorScheme: theme, storageState: state });
  const p = await c.newPage();
  p.on('console', (m) => { if (['error', 'warning'].includes(m.type())) console.log(p.url(), m.text()); });
  if (!state) {
    await p.goto(`${base}/riverside/sign-in`);
    await p.fill('input[name=username]', login.username);
    const pw = p.locator('input[name=password]');
    await pw.fill(login.password);
    await p.keyboard.press('Enter');
    await p.waitForLoadState('networkidle');
    state = await c.storageState();
  }
  for (const path of paths) {
    const r = await p.goto(`${base}/riverside/${path}`);
    await p.waitForTimeout(150);
    const name = path.replace(/[0-9a-f-]{36}/g, 'X').replace(/[^a-zA-Z0-9]+/g, '_') || 'home';
    await p.screenshot({ path: `${out}/${name}-${width}.png`, fullPage: width > 1000 ? false : false });
    console.log(r.status(), path, await p.title());
  }
}
await b.close();
