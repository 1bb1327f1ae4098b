// The note composer: saves by itself two seconds after the last key at the latest and when a field is left, puts in what
// stood for links and phrases, jumps between gaps (F2), and offers phrases (.name), choices ({a|b}) and commands (/dx)
// under the field. Nothing of a note stays in the browser; without this every button of the form does the same.

import { each } from './wire.js';

const WAIT = 1_200;
const RETRY = 5_000;
const GAP = /\*\*\*|\{[^{}\n]*\|[^{}\n]*\}/g;
const PHRASE = /(?:^|\s)\.([a-z][a-z0-9.-]*)$/i;
const SLASH = /(?:^|\n)[ \t]*\/([a-z]*)$/;
const COMMAND = /^[ \t]*\/(dx|rx|lab|ref)[ \t]+(\S.*?)[ \t]*$/;

each('form[data-note]', (form) => {
  const words = Object.fromEntries([...form.querySelectorAll('data[value]')].map((it) => [it.value, it.textContent]));
  const status = form.querySelector('[data-status]');
  const clash = form.querySelector('.clash');
  const edition = form.querySelector('[name=edition]');
  const fields = () => [...form.querySelectorAll('textarea')];
  let timer = 0;
  let running = null;
  let dirty = false;
  let stopped = false;

  const tell = (text, failed = false) => {
    status.textContent = text;
    status.classList.toggle('failed', failed);
  };

  const clock = () => new Date().toTimeString().slice(0, 8);

  /** Puts what the server put in place of a link or phrase into the field, without moving the cursor. */
  function replace({ part, token, text }) {
    const field = form.elements[`text.${part}`];
    const escaped = token.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const found = new RegExp(`(^|[\\s("'/:=[])${escaped}(?![\\w-]|\\.\\w)`, 'i').exec(field?.value ?? '');
    if (!found) return;
    const from = found.index + found[1].length;
    field.setRangeText(text, from, from + token.length, 'preserve');
  }

  async function send(body, keepalive = false) {
    const answer = await fetch(form.action, { method: 'POST', body, keepalive, headers: { accept: 'application/json' } });
    if (answer.status === 401) throw new Error('signed out');
    if (answer.redirected) return location.assign(answer.url);
    if (!answer.ok) throw new Error(String(answer.status));
    const told = await answer.json();
    if (told.clash) {
      stopped = true;
      clash.replaceChildren(`${words.clash} ${told.clash}.`);
      const button = Object.assign(document.createElement('button'), { type: 'submit', name: 'do', value: 'save', className: 'primary' });
      button.textContent = form.querySelector('[data-save]').textContent;
      clash.append(button);
      clash.hidden = false;
      clash.scrollIntoView({ block: 'center' });
      return null;
    }
    return told;
  }

  async function save() {
    clearTimeout(timer);
    if (stopped || !dirty) return running;
    if (running) return running.then(save);
    dirty = false;
    const before = fields().map((it) => it.value);
    tell(words.saving);
    running = send(new URLSearchParams(new FormData(form))).then((saved) => {
      if (!saved?.edition) return;
      edition.value = saved.edition;
      saved.replaced.forEach(replace);
      // Phrases come back as whole fields: they are put in where nobody typed meanwhile.
      fields().forEach((field, at) => {
        const text = saved.texts?.[field.name.slice(5)];
        if (text !== undefined && field.value === before[at] && field.value !== text) {
          const end = field.value.length - field.selectionEnd;
          field.value = text;
          field.setSelectionRange(text.length - end, text.length - end);
        }
      });
      for (const [part, html] of Object.entries(saved.taken)) {
        const old = form.querySelector(`[data-taken="${CSS.escape(part)}"]`);
        const fresh = new DOMParser().parseFromString(html, 'text/html').body.firstElementChild;
        if (old && fresh && old.innerHTML !== fresh.innerHTML) {
          fresh.open = old.open;
          old.replaceWith(fresh);
        }
      }
      tell(`${words.saved} ${clock()}`);
    }).catch(() => {
      dirty = true;
      tell(words.failed, true);
      timer = setTimeout(save, RETRY);
    }).finally(() => { running = null; });
    return running;
  }

  form.addEventListener('input', (event) => {
    if (!event.target.matches('textarea')) return;
    dirty = true;
    clearTimeout(timer);
    timer = setTimeout(save, WAIT);
    offer(event.target);
  });
  form.addEventListener('focusout', (event) => {
    if (!event.target.matches('textarea')) return;
    setTimeout(() => shut(event.target), 150);
    save();
  });
  form.addEventListener('continuo:save', () => save());
  form.querySelector('[data-save]')?.addEventListener('click', (event) => {
    if (stopped) return;
    event.preventDefault();
    dirty = true;
    save();
  });
  // The other buttons save on the server; nothing may be on its way at the same time.
  form.addEventListener('submit', (event) => {
    clearTimeout(timer);
    if (!running) { dirty = false; return; }
    event.preventDefault();
    const by = event.submitter;
    running.finally(() => form.requestSubmit(by ?? undefined));
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden' && dirty && !stopped) save();
  });
  addEventListener('beforeunload', (event) => {
    if (dirty && !stopped) {
      save();
      event.preventDefault();
    }
  });

  // Gaps and choices.
  function jump(back) {
    const all = [];
    for (const field of fields()) for (const found of field.value.matchAll(GAP)) all.push({ field, from: found.index, to: found.index + found[0].length });
    if (!all.length) return tell(words.none);
    const here = document.activeElement?.matches?.('textarea') ? document.activeElement : null;
    const order = fields();
    const place = (it) => order.indexOf(it.field) * 1e7 + it.from;
    const now = here ? order.indexOf(here) * 1e7 + (back ? here.selectionStart : here.selectionEnd) : -1;
    const next = back ? all.filter((it) => place(it) < now).at(-1) ?? all.at(-1) : all.find((it) => place(it) >= now) ?? all[0];
    next.field.focus();
    next.field.setSelectionRange(next.from, next.to);
    const text = next.field.value.slice(next.from, next.to);
    if (text.startsWith('{')) {
      const options = text.slice(1, -1).split('|').map((it) => it.trim());
      show(next.field, words.choices, options.map((it) => ({ token: text, text: it, label: it, from: next.from, to: next.to })));
    } else shut(next.field);
  }

  // What is offered under a field.
  let open = null;

  function shut(field) {
    if (!open || (field && open.field !== field)) return;
    open.box.remove();
    open.field.removeAttribute('aria-activedescendant');
    open.field.removeAttribute('aria-controls');
    open = null;
  }

  function show(field, title, offers) {
    shut();
    if (!offers.length) return;
    const box = Object.assign(document.createElement('div'), { className: 'offer' });
    const list = Object.assign(document.createElement('ul'), { id: 'offer-list' });
    list.setAttribute('role', 'listbox');
    list.setAttribute('aria-label', title);
    offers.forEach((it, at) => {
      const row = it.row ?? Object.assign(document.createElement('li'), { textContent: it.label });
      row.id = `offer-${at}`;
      row.setAttribute('role', 'option');
      row.addEventListener('mousedown', (event) => { event.preventDefault(); take(at); });
      list.append(row);
    });
    box.append(list);
    field.after(box);
    open = { field, box, offers, at: 0 };
    field.setAttribute('aria-controls', 'offer-list');
    mark(0);
    tell(`${offers.length} ${title}`);
  }

  function mark(at) {
    open.at = (at + open.offers.length) % open.offers.length;
    open.box.querySelectorAll('[role=option]').forEach((row, place) => {
      row.setAttribute('aria-selected', String(place === open.at));
      if (place === open.at) row.scrollIntoView({ block: 'nearest' });
    });
    open.field.setAttribute('aria-activedescendant', `offer-${open.at}`);
  }

  function take(at) {
    const { field, offers } = open;
    const { from, to, text } = offers[at];
    shut();
    field.setRangeText(text, from, to, 'end');
    field.dispatchEvent(new Event('input', { bubbles: true }));
    if (!text.startsWith('/')) save();
  }

  let asked = 0;

  async function offer(field) {
    const upTo = field.value.slice(0, field.selectionStart);
    const slash = SLASH.exec(upTo);
    if (slash) {
      const from = upTo.lastIndexOf('/');
      const all = [...form.elements.command?.options ?? []].filter((it) => it.value.startsWith(slash[1]) && it.value !== slash[1]);
      return show(field, words.commands, all.map((it) => ({ text: `/${it.value} `, label: `/${it.value} – ${it.textContent}`, from, to: upTo.length })));
    }
    const phrase = PHRASE.exec(upTo);
    if (!phrase) return shut(field);
    const number = (asked += 1);
    const answer = await fetch(`${form.dataset.phrases}?q=${encodeURIComponent(phrase[1])}`, { headers: { accept: 'text/html' } }).catch(() => null);
    if (!answer?.ok || number !== asked || document.activeElement !== field || !PHRASE.test(field.value.slice(0, field.selectionStart))) return;
    const rows = [...new DOMParser().parseFromString(`<ul>${await answer.text()}</ul>`, 'text/html').querySelectorAll('li')];
    const to = field.selectionStart;
    const from = field.value.slice(0, to).search(/\.[^\s]*$/);
    show(field, words.phrases, rows.map((row) => ({ row, text: row.dataset.text, from, to })));
  }

  form.addEventListener('keydown', (event) => {
    if (event.isComposing) return;
    if (event.key === 'F2') {
      event.preventDefault();
      return jump(event.shiftKey);
    }
    const field = event.target;
    if (!field.matches('textarea')) return;
    if (open?.field === field) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        event.preventDefault();
        return mark(open.at + step);
      }
      if ((event.key === 'Enter' || event.key === 'Tab') && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
        event.preventDefault();
        return take(open.at);
      }
      if (event.key === 'Escape') {
        event.preventDefault();
        event.stopPropagation();
        return shut();
      }
    }
    // A command on a line of its own, sent by Enter.
    if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      const start = field.value.lastIndexOf('\n', field.selectionStart - 1) + 1;
      const found = COMMAND.exec(field.value.slice(start, field.selectionStart));
      const command = form.elements.command;
      if (!found || !command) return;
      event.preventDefault();
      command.value = found[1];
      form.elements.about.value = found[2];
      form.elements.part.value = field.name.slice(5);
      dirty = false;
      form.requestSubmit(form.querySelector('button[name=do][value=command]'));
    }
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'F2' && !form.contains(event.target) && !document.querySelector('dialog[open]')) {
      event.preventDefault();
      jump(event.shiftKey);
    }
  });

  // After a jump to a section by its address, writing goes on there.
  const target = location.hash.startsWith('#part-') && document.getElementById(location.hash.slice(1));
  if (target?.matches?.('textarea')) {
    target.focus();
    target.setSelectionRange(target.value.length, target.value.length);
  }
});
