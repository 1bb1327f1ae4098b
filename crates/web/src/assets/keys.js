// Keys that work on every page. Which keys do what stands in the list of keys of the page (opened by ?), as the
// person has set it in their account; a command without keys does nothing. Links and buttons say by `data-key` which
// command they answer to. Whoever types is left alone: only chords with Ctrl or Alt work in a field.

import { each } from './wire.js';

const palette = document.getElementById('palette');
const help = document.getElementById('keys');
const commands = new Map();
for (const row of help?.querySelectorAll('[data-command]') ?? []) {
  if (row.dataset.chord) commands.set(row.dataset.chord, row.dataset.command);
}

/** `Ctrl+Shift+O`; Command counts as Ctrl. */
function chord(event) {
  const digit = /^Digit(\d)$/.exec(event.code)?.[1];
  const key = event.altKey && digit ? digit : event.key === ' ' ? 'Space' : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const shift = event.shiftKey && (key.length > 1 || /[A-Z0-9]/.test(key));
  return [event.ctrlKey || event.metaKey ? 'Ctrl' : '', event.altKey ? 'Alt' : '', shift ? 'Shift' : '', key].filter(Boolean).join('+');
}

const typing = (it) => it?.matches?.('input:not([type=checkbox]):not([type=radio]):not([type=button]):not([type=submit]), textarea, select, [contenteditable]');

/** The form that is worked on: the one with the focus, else the one that the page or the open layer is for (`data-commit`). */
function form() {
  const layer = document.querySelector('dialog[open]') ?? document;
  const own = document.activeElement?.closest('form[method=post]:not(.act, .account)');
  if (own?.matches('[data-commit]') || own?.querySelector('[data-commit]')) return own;
  const meant = layer.querySelector('[data-commit]');
  return meant?.form ?? meant?.closest('form') ?? own ?? layer.querySelector('main form[method=post]:not(.act, .tools), .drawer-main form[method=post]:not(.act)');
}

function openPalette() {
  if (!palette || palette.open) return;
  palette.showModal();
  const search = palette.querySelector('form[data-live]');
  search.querySelector('input[type=search]').select();
  search.dispatchEvent(new Event('continuo:open'));
}

const doing = {
  palette: openPalette,
  help: () => { if (help && !help.open) help.showModal(); },
  commit: () => {
    const it = form();
    it?.requestSubmit(it.querySelector('button[data-commit], button.primary[type=submit], button.primary:not([type])') ?? undefined);
  },
  // Never the browser's own: it would write the page, patient and all, to the disk.
  save: () => {
    const it = form();
    it?.dispatchEvent(new CustomEvent('continuo:save', { bubbles: true }));
    it?.querySelector('[data-save]')?.click();
  },
};

document.addEventListener('keydown', (event) => {
  if (event.isComposing || event.defaultPrevented) return;
  const pressed = chord(event);
  const command = commands.get(pressed);
  if (command && (event.ctrlKey || event.metaKey || event.altKey || !typing(event.target))) {
    event.preventDefault();
    if (document.documentElement.classList.contains('locked')) return;
    const own = doing[command];
    if (own) own();
    else document.querySelector(`main [data-key="${command}"], [data-key="${command}"]`)?.click();
    return;
  }
  if (commands.get('Alt+0') === undefined && help?.querySelector('[data-sections]') && /^Alt\+\d$/.test(pressed)) {
    const link = document.querySelector(`[data-alt="${pressed.slice(4)}"]`);
    if (link) {
      event.preventDefault();
      link.click();
    }
  }
});

each('[data-palette]', (opener) => opener.addEventListener('click', (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || !palette) return;
  event.preventDefault();
  openPalette();
}));
each('[data-help]', (opener) => opener.addEventListener('click', (event) => {
  event.preventDefault();
  doing.help();
}));
each('dialog', (dialog) => {
  dialog.querySelectorAll('[data-close]').forEach((it) => it.addEventListener('click', () => dialog.close()));
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog && !dialog.matches('#lock, .drawer')) dialog.close();
  });
});

// Where the sections are one line, the one that is open is in sight.
const here = document.querySelector('.sections [aria-current]');
const line = here?.closest('ul');
if (line && line.scrollWidth > line.clientWidth) line.scrollLeft += here.getBoundingClientRect().left - line.clientWidth / 3;
