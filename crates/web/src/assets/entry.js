// Forms of clinical work: their drafts are kept on the server a moment after the last key, and numbers are looked at
// while they are typed. The server looks again when the form is sent; without this it alone does.

import { each } from './wire.js';

each('form[data-draft]', (form) => {
  const said = form.querySelector('[data-draft-said]');
  const version = form.querySelector('[name=draft-version]');
  let timer = 0;
  let kept = '';
  let sent = false;
  let running = false;
  const now = () => {
    const data = new URLSearchParams(new FormData(form));
    data.delete('once');
    data.delete('draft-version');
    return data;
  };
  kept = now().toString();
  async function keep() {
    clearTimeout(timer);
    const data = now();
    // One at a time: the next save goes over the version that this one gets.
    if (sent || running || data.toString() === kept) return;
    running = true;
    kept = data.toString();
    data.set('draft-version', version.value);
    try {
      const answer = await fetch(form.dataset.draft, { method: 'POST', body: data, headers: { accept: 'application/json' } });
      const told = await answer.json();
      if (told.version) version.value = told.version;
      said.textContent = told.says;
    } catch {
      said.textContent = form.dataset.wordUnkept;
      kept = '';
    } finally {
      running = false;
    }
    if (now().toString() !== kept && kept !== '') timer = setTimeout(keep, 300);
  }
  form.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(keep, 1500);
  });
  form.addEventListener('change', keep);
  form.addEventListener('continuo:save', keep);
  form.addEventListener('submit', () => { sent = true; clearTimeout(timer); });
});

const round = (it) => String(Math.round(it * 10) / 10);

each('input[data-low]', (field) => {
  const form = field.form;
  const unit = form.elements[`${field.name}-unit`];
  const said = form.querySelector(`[data-said="${field.name}"]`);
  const body = form.querySelector('[data-body]');
  const scale = () => {
    const chosen = unit?.tagName === 'SELECT' ? unit.selectedOptions[0].dataset : field.dataset;
    return { factor: Number(chosen.factor ?? 1), zero: Number(chosen.zero ?? 0), shown: chosen.shown ?? field.dataset.shown };
  };
  const number = (it) => (it.value.trim() === '' ? NaN : Number(it.value.trim().replace(',', '.')));
  function stored(name) {
    const other = form.elements[name];
    if (!other) return NaN;
    const of = form.elements[`${name}-unit`]?.selectedOptions?.[0]?.dataset ?? {};
    return (number(other) - Number(of.zero ?? 0)) * Number(of.factor ?? 1);
  }
  function look() {
    const { factor, zero, shown } = scale();
    const typed = number(field);
    const value = (typed - zero) * factor;
    const shownOf = (it) => round(Number(it) / factor + zero);
    const { low, high, usualLow, usualHigh } = field.dataset;
    let words = '';
    let kind = '';
    if (field.value.trim() !== '' && Number.isNaN(typed)) [words, kind] = [form.dataset.wordNumber, 'wrong'];
    else if (value < Number(low) || value > Number(high)) {
      words = form.dataset.wordOutside.replace('%low%', shownOf(low)).replace('%high%', shownOf(high)).replace('%unit%', shown);
      kind = 'wrong';
    } else if (usualHigh !== undefined && value > Number(usualHigh)) [words, kind] = [form.dataset.wordHigh, 'high'];
    else if (usualLow !== undefined && value < Number(usualLow)) [words, kind] = [form.dataset.wordLow, 'low'];
    if (said) {
      said.textContent = words;
      said.className = `said ${kind}`;
    }
    if (body) {
      const [kg, cm] = [stored('weight') || Number(body.dataset.weight), stored('height') || Number(body.dataset.height)];
      body.textContent = kg > 0 && cm > 0 ? `${round(kg / (cm * cm / 10000))} kg/m²` : '–';
    }
  }
  field.addEventListener('change', look);
  unit?.addEventListener?.('change', look);
  field.addEventListener('input', () => { if (said?.textContent) look(); });
  if (field.value) look();
});
