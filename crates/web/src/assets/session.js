// Warns two minutes before a session left alone ends; any key or click keeps it. When it has ended the page is
// hidden, not lost: the same person unlocks it and goes on where they were.

import { say } from './wire.js';

const notice = document.getElementById('idle');
const lock = document.getElementById('lock');

if (notice && lock) {
  const limit = Number(notice.dataset.minutes) * 60_000;
  const WARNING = Math.min(120_000, limit / 2);
  const others = new BroadcastChannel('continuo-session');
  let timers = [];
  let warned = false;
  let kept = Date.now();

  const start = () => {
    timers.forEach(clearTimeout);
    warned = false;
    notice.replaceChildren();
    timers = [setTimeout(warn, limit - WARNING), setTimeout(shut, limit + 2_000)];
  };

  const keep = async () => {
    kept = Date.now();
    start();
    const answer = await fetch(notice.dataset.keep, { method: 'POST' }).catch(() => null);
    if (answer?.status === 401) shut();
    else others.postMessage('used');
  };

  const warn = () => {
    warned = true;
    const words = document.createElement('span');
    words.textContent = say('idle');
    const stay = document.createElement('button');
    stay.type = 'button';
    stay.textContent = say('stay');
    notice.replaceChildren(words, stay);
  };

  const shut = () => {
    timers.forEach(clearTimeout);
    notice.replaceChildren();
    document.querySelectorAll('dialog[open]').forEach((it) => { if (it !== lock) it.close(); });
    document.documentElement.classList.add('locked');
    if (!lock.open) lock.showModal();
  };

  const open = () => {
    document.documentElement.classList.remove('locked');
    lock.close();
    start();
    others.postMessage('used');
  };

  // Whoever works on one page for long is not away, although no request was made.
  const used = () => {
    if (lock.open) return;
    if (warned || Date.now() - kept > 60_000) keep();
  };
  document.addEventListener('keydown', used, { passive: true });
  document.addEventListener('pointerdown', used, { passive: true });
  others.addEventListener('message', () => {
    if (document.documentElement.classList.contains('locked')) return;
    start();
  });

  lock.addEventListener('cancel', (event) => event.preventDefault());
  lock.addEventListener('close', () => {
    if (document.documentElement.classList.contains('locked')) lock.showModal();
  });
  const form = lock.querySelector('form');
  const said = form.querySelector('[role=alert]');
  const tell = (words) => {
    said.textContent = words;
    said.hidden = !words;
  };
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    tell('');
    const answer = await fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) }).catch(() => null);
    const told = await answer?.json().catch(() => ({}));
    const { password, code } = form.elements;
    if (answer?.status === 204) {
      form.reset();
      code.closest('.field').hidden = true;
      open();
    } else if (answer?.ok && told.code) {
      code.closest('.field').hidden = false;
      code.focus();
    } else if (answer?.status === 422) {
      tell(told.words);
      (code.closest('.field').hidden ? password : code).select();
    } else if (answer) {
      location.reload();
    } else {
      tell(say('unanswered'));
    }
  });

  start();
  others.postMessage('used');
}
