// Keys of the inbox: j and k walk, Enter opens, e is done, r replies, f forwards, x selects. They work while the focus is
// in the inbox and nothing is being typed, so they are in nobody's way; every one of them is a button or a link as well.

const rows = () => [...document.querySelectorAll('[data-entry]')];
const open = (row) => row?.querySelector('[data-open]');

function current() {
  const focused = document.activeElement?.closest('[data-entry]');
  return focused ?? document.querySelector('.entry.current') ?? null;
}

function walk(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(current());
  const next = all[Math.max(0, Math.min(at + by, all.length - 1))];
  open(at < 0 ? all[0] : next)?.focus();
}

function unfold(selector) {
  const part = document.querySelector(`[data-item] ${selector}`);
  if (!part) return false;
  if (part.matches('a')) { part.click(); return true; }
  part.open = true;
  part.querySelector('textarea, select, input:not([type=hidden])')?.focus();
  return true;
}

// On a row: what the row can do by itself, else the entry is opened, where everything can be done.
function done() {
  const row = document.activeElement?.closest('[data-entry]');
  if (row) {
    const button = row.querySelector('[data-done] button');
    if (button) button.click();
    else open(row)?.click();
    return;
  }
  document.querySelector('[data-item] [data-done] button')?.click();
}

const ACTS = {
  j: () => walk(1),
  k: () => walk(-1),
  e: done,
  r: () => unfold('[data-reply]') || unfold('[data-reply-link]') || open(current())?.click(),
  f: () => unfold('[data-forward]') || open(current())?.click(),
  x: () => current()?.querySelector('input[type=checkbox]')?.click(),
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const on = document.activeElement;
  if (on?.matches('input:not([type=checkbox]), textarea, select, [contenteditable]') || document.querySelector('dialog[open]')) return;
  const act = ACTS[event.key];
  if (!act || (on !== document.body && !on?.closest('[data-inbox], main'))) return;
  event.preventDefault();
  act();
});

// An entry that was opened is read from its beginning.
if (location.hash === '#inbox-item') document.getElementById('inbox-item')?.focus();
