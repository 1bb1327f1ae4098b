// Small things that a page can do without: print, count down, copy nothing, ask nobody.

import { each } from './wire.js';

each('[data-print]', (button) => {
  button.hidden = false;
  button.addEventListener('click', () => print());
});

// How long emergency access still lasts. Without this the number is that of when the page was made.
each('[data-until]', (strip) => {
  const shown = strip.querySelector('[data-remaining]');
  const until = Number(strip.dataset.until);
  const count = (unit, number) => new Intl.NumberFormat(document.documentElement.lang, { style: 'unit', unit, unitDisplay: 'long' }).format(number);
  const tell = () => {
    const minutes = Math.max(1, Math.ceil((until - Date.now()) / 60_000));
    const words = minutes < 120 ? count('minute', minutes) : count('hour', Math.ceil(minutes / 60));
    if (shown.textContent !== words) shown.textContent = words;
    if (Date.now() > until) location.reload();
  };
  setInterval(tell, 5_000);
});
