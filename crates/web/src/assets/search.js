// Results while typing. A form with `data-live` works by itself; this only asks sooner and puts the
// answer under the field. Arrow keys walk through the people found.

import { each, say } from './wire.js';

const WAIT = 110;

function live(form) {
  const field = form.querySelector('input[type=search]');
  const results = form.querySelector('[data-results]');
  const status = form.querySelector('[data-count]');
  let timer = 0;
  let running = null;
  let shown = null;

  async function ask() {
    const words = field.value.trim();
    if (words === shown) return;
    running?.abort();
    running = new AbortController();
    try {
      const address = new URL(form.dataset.live, location);
      address.searchParams.set('q', words);
      const answer = await fetch(address, { signal: running.signal, headers: { accept: 'text/html' } });
      if (answer.status === 401) return location.reload();
      if (!answer.ok) throw new Error(String(answer.status));
      const piece = document.createElement('template');
      piece.innerHTML = await answer.text();
      results.replaceChildren(piece.content);
      shown = words;
      status.textContent = results.querySelector('[data-said]')?.dataset.said ?? '';
    } catch (error) {
      if (error.name !== 'AbortError') status.textContent = say('unanswered');
    }
  }

  field.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  });
  form.addEventListener('continuo:open', ask);
  form.addEventListener('keydown', (event) => {
    if (!['ArrowDown', 'ArrowUp', 'Home', 'End'].includes(event.key)) return;
    const stops = [field, ...results.querySelectorAll('a.hit')];
    const at = stops.indexOf(document.activeElement);
    if (at < 0 || (at === 0 && event.key !== 'ArrowDown')) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 1, End: stops.length - 1 }[event.key];
    stops[Math.max(0, Math.min(to, stops.length - 1))].focus();
    event.preventDefault();
  });
  form.addEventListener('submit', (event) => {
    const only = results.querySelectorAll('a.hit');
    if (shown === field.value.trim() && only.length === 1) {
      event.preventDefault();
      only[0].click();
    }
  });
}

each('form[data-live]', live);

// Filters answer at once; without this there is a button.
each('form[data-submit-on-change]', (form) => {
  form.addEventListener('change', () => form.requestSubmit());
});
