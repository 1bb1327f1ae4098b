// A field that offers terms while one types: arrows walk through them, Enter takes one, Esc leaves the words as they
// are. The last of them keeps the words as free text. Without this the form offers the same after it was sent.

import { each, parsed } from './wire.js';

const WAIT = 110;

each('[data-combo]', (box) => {
  const field = box.querySelector('input:not([type=hidden])');
  const code = box.querySelector('[data-code]');
  const free = box.querySelector('[data-free]');
  const list = Object.assign(document.createElement('ul'), { id: `${field.id}-list`, hidden: true, className: 'combo-list' });
  const said = Object.assign(document.createElement('span'), { className: 'spoken' });
  const label = box.querySelector('label');
  label.id ||= `${field.id}-label`;
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-labelledby', label.id);
  said.setAttribute('role', 'status');
  const set = (name, value) => field.setAttribute(name, value);
  set('role', 'combobox');
  set('aria-autocomplete', 'list');
  set('aria-expanded', 'false');
  set('aria-controls', list.id);
  box.querySelector('.combo-box').append(list, said);
  let timer = 0;
  let asked = null;
  let at = -1;

  const options = () => [...list.children];
  function close() {
    list.hidden = true;
    at = -1;
    set('aria-expanded', 'false');
    field.removeAttribute('aria-activedescendant');
  }
  function mark(next) {
    const all = options();
    if (!all.length) return;
    at = (next + all.length) % all.length;
    all.forEach((it, n) => it.setAttribute('aria-selected', String(n === at)));
    set('aria-activedescendant', all[at].id);
    all[at].scrollIntoView({ block: 'nearest' });
  }
  function take(option) {
    field.value = option.dataset.text;
    code.value = option.dataset.code;
    free.value = 'free' in option.dataset ? 'yes' : '';
    close();
    clearTimeout(timer);
    asked?.abort();
    box.querySelector('.picks')?.remove();
    field.dispatchEvent(new Event('change', { bubbles: true }));
  }
  async function ask() {
    const words = field.value.trim();
    if (words.length < 2) return close();
    asked?.abort();
    asked = new AbortController();
    try {
      const answer = await fetch(`${box.dataset.combo}&q=${encodeURIComponent(words)}`, { signal: asked.signal, headers: { accept: 'text/html' } });
      if (!answer.ok) return close();
      const found = [...parsed(await answer.text()).querySelectorAll('li')];
      const own = document.createElement('li');
      own.dataset.text = words;
      own.dataset.code = '';
      own.dataset.free = '';
      own.className = 'free';
      own.textContent = box.dataset.wordFree.replace('%words%', words);
      list.replaceChildren(...found, own);
      options().forEach((it, n) => {
        it.id = `${list.id}-${n}`;
        it.setAttribute('role', 'option');
        it.setAttribute('aria-selected', 'false');
      });
      at = -1;
      list.hidden = false;
      set('aria-expanded', 'true');
      said.textContent = found.length ? box.dataset.wordFound.replace('%count%', found.length) : box.dataset.wordNone;
    } catch (error) {
      if (error.name !== 'AbortError') close();
    }
  }

  field.addEventListener('input', () => {
    code.value = '';
    free.value = '';
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  });
  field.addEventListener('keydown', (event) => {
    const open = !list.hidden;
    if (event.key === 'ArrowDown') open ? mark(at + 1) : ask();
    else if (event.key === 'ArrowUp' && open) mark(at - 1);
    else if (event.key === 'Enter' && open && at >= 0 && !event.ctrlKey) take(options()[at]);
    else if (event.key === 'Escape' && open) close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  list.addEventListener('mousedown', (event) => event.preventDefault());
  list.addEventListener('click', (event) => {
    const option = event.target.closest('[role=option]');
    if (option) take(option);
    field.focus();
  });
  field.addEventListener('blur', close);
});
