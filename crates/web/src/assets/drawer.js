// A link with `data-drawer` opens its page beside the chart instead of in place of it: the same page, fetched, with
// the banner of the patient repeated above it. Its forms are sent from there; what is wrong is shown there; when all
// went well the drawer closes and the page below is fetched anew. Without this the link simply leads to its page.

import { borrow, each, parsed, say, shown } from './wire.js';

let opener = null;
let drawer = null;
let changed = false;

function made() {
  if (drawer) return drawer;
  drawer = document.createElement('dialog');
  drawer.className = 'drawer';
  drawer.innerHTML = '<div class="drawer-who"></div><button type="button" class="drawer-close"></button><div class="drawer-main"></div>';
  const close = drawer.querySelector('.drawer-close');
  close.textContent = say('close');
  close.addEventListener('click', () => drawer.close());
  drawer.addEventListener('close', () => {
    drawer.querySelector('.drawer-main').replaceChildren();
    opener?.focus();
    if (changed) location.reload();
  });
  // What was begun and not sent is not lost by a slip of the finger: drafts lie on the server.
  drawer.addEventListener('submit', send);
  document.body.append(drawer);
  return drawer;
}

async function put(text, address) {
  const page = parsed(text);
  await borrow(page);
  const main = page.querySelector('main');
  const it = made();
  const who = document.querySelector('.banner')?.cloneNode(true);
  it.querySelector('.drawer-who').replaceChildren(...(who ? [who] : []));
  const place = it.querySelector('.drawer-main');
  place.dataset.address = address;
  place.replaceChildren(...(main ? main.childNodes : []));
  const title = place.querySelector('h1');
  if (title) {
    title.id ||= 'drawer-title';
    it.setAttribute('aria-labelledby', title.id);
  }
  // Addresses of forms that go without saying are those of the page they came from.
  place.querySelectorAll('form:not([action])').forEach((form) => form.setAttribute('action', address));
  if (!it.open) it.showModal();
  shown(place);
  const first = place.querySelector('[role=alert] a, [autofocus]') ?? title;
  if (first === title) title?.setAttribute('tabindex', '-1');
  first?.focus();
}

async function open(link) {
  opener = link;
  changed = false;
  const answer = await fetch(link.href, { headers: { accept: 'text/html' } }).catch(() => null);
  if (!answer?.ok || !answer.headers.get('content-type')?.includes('html')) return location.assign(link.href);
  await put(await answer.text(), answer.url);
}

async function send(event) {
  const form = event.target;
  if (form.method === 'dialog' || form.target) return;
  event.preventDefault();
  const data = new FormData(form, event.submitter);
  const method = (event.submitter?.getAttribute('formmethod') ?? form.method).toUpperCase();
  const to = new URL(event.submitter?.getAttribute('formaction') ?? form.action, location);
  if (form.getAttribute('aria-busy') === 'true') return;
  form.setAttribute('aria-busy', 'true');
  try {
    const many = form.enctype === 'multipart/form-data';
    if (method === 'GET') to.search = new URLSearchParams(data);
    const body = method === 'GET' ? undefined : many ? data : new URLSearchParams(data);
    const answer = await fetch(to, { method, body, headers: { accept: 'text/html' } });
    const at = new URL(answer.url);
    const text = await answer.text();
    if (method !== 'GET' && answer.ok) changed = true;
    // Led elsewhere: to the page the drawer is part of, where all is done, or to the next step.
    if (answer.redirected && !parsed(text).querySelector('main [data-stay]') && at.pathname !== new URL(drawer.querySelector('.drawer-main').dataset.address).pathname) {
      changed = false;
      if (at.pathname === location.pathname && at.search === location.search) location.reload();
      else location.assign(at);
      return;
    }
    await put(text, answer.url);
  } catch {
    const said = drawer.querySelector('[role=alert]') ?? Object.assign(document.createElement('p'), { className: 'error' });
    said.setAttribute('role', 'alert');
    said.textContent = say('unanswered');
    form.prepend(said);
  } finally {
    form.removeAttribute('aria-busy');
  }
}

each('a[data-drawer]', (link) => {
  link.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || innerWidth < 480) return;
    event.preventDefault();
    open(link);
  });
});
