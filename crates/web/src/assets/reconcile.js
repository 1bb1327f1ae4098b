// Deciding by one key: while the focus is in a row, K, M, R, D and I choose what the row offers and lead on to the next row
// without a decision. The count runs along, and what was decided is kept a moment later. Without this file every decision
// is a radio button of a form.

import { each } from './wire.js';

each('form[data-reconcile]', (form) => {
  const rows = [...form.querySelectorAll('[data-row]')].filter((row) => row.querySelector('input[type=radio]'));
  const running = form.querySelector('[data-running]');
  const decided = (row) => row.querySelector('input[type=radio]:checked');
  let timer;

  function count() {
    const done = rows.filter(decided).length;
    // The words are the server's: only the first number runs.
    running.textContent = running.textContent.replace(/\d+/, String(done));
  }

  async function keep() {
    const body = new URLSearchParams(new FormData(form));
    body.set('act', 'save');
    await fetch(form.action, { method: 'POST', body, redirect: 'manual' }).catch(() => {});
  }

  function changed() {
    count();
    clearTimeout(timer);
    timer = setTimeout(keep, 700);
  }

  form.addEventListener('change', changed);
  form.addEventListener('submit', () => clearTimeout(timer));
  form.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input[type=text], textarea')) return;
    const row = event.target.closest('[data-row]');
    const choice = row?.querySelector(`input[data-key-of="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!choice) return;
    event.preventDefault();
    choice.checked = true;
    choice.focus();
    changed();
    const next = rows.slice(rows.indexOf(row) + 1).concat(rows).find((it) => !decided(it));
    const to = next?.querySelector('input[type=radio]') ?? form.querySelector('button[data-commit]');
    to?.focus();
  });
});
