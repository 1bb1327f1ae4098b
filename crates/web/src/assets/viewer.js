// Stepping through the pictures of a series without leaving the page: arrows, Home, End, PgUp and PgDn while the picture
// has the focus, the wheel, the slider, and the two buttons. Each picture is asked for once; the address follows, so that a
// reload shows the same. Without this script all of it works as pages.

import { each } from './wire.js';

each('[data-viewer]', (viewer) => {
  const pictures = viewer.dataset.frames.split(' ').filter(Boolean);
  const stage = viewer.querySelector('.stage');
  const picture = stage.querySelector('img');
  const slider = viewer.querySelector('input[type=range]');
  const status = viewer.querySelector('[data-status]');
  const kept = new Map();
  let at = Number(viewer.dataset.viewer);
  viewer.querySelectorAll('[data-scripted]').forEach((it) => { it.hidden = false; });
  const submit = viewer.querySelector('.frame-form button');
  if (submit) submit.hidden = true;

  /** The address of this page with another value in it. */
  const addressed = (href, frame) => {
    const to = new URL(href, location.href);
    to.searchParams.set('frame', frame);
    return to.pathname + to.search + to.hash;
  };

  const fetched = (nth) => {
    if (nth < 1 || nth > pictures.length) return null;
    if (!kept.has(nth)) {
      const image = new Image();
      image.src = pictures[nth - 1];
      kept.set(nth, image);
    }
    return kept.get(nth);
  };

  const told = () => viewer.dataset.says.replace('{nth}', at);

  const show = async (nth) => {
    const to = Math.max(1, Math.min(nth, pictures.length));
    if (to === at) return;
    at = to;
    slider.value = at;
    const image = fetched(at);
    stage.dataset.waiting = '';
    try {
      await image.decode();
    } catch {
      kept.delete(to);
      if (to === at) status.textContent = `${told()}: ${viewer.dataset.failed}`;
      delete stage.dataset.waiting;
      return;
    }
    if (to !== at) return;
    delete stage.dataset.waiting;
    picture.src = image.src;
    picture.alt = told();
    status.textContent = told();
    for (const link of viewer.querySelectorAll('a[data-keep]')) link.href = addressed(link.href, at);
    for (const [rel, next] of [['prev', at - 1], ['next', at + 1]]) buttoned(rel, next);
    const here = addressed(location.href, at);
    history.replaceState(history.state, '', here);
  };

  /** The two buttons are links where there is somewhere to go. */
  const buttoned = (rel, next) => {
    const old = viewer.querySelector(`[data-step=${rel}]`);
    const on = next >= 1 && next <= pictures.length;
    const it = document.createElement(on ? 'a' : 'span');
    it.className = 'button';
    it.dataset.step = rel;
    it.textContent = old.textContent;
    if (on) it.href = addressed(location.href, next);
    else it.setAttribute('aria-disabled', 'true');
    const held = old === document.activeElement;
    old.replaceWith(it);
    if (held) (on ? it : stage).focus();
  };

  viewer.addEventListener('click', (event) => {
    const step = event.target.closest('a[data-step]');
    const zoom = event.target.closest('a[data-zoom]');
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (step) {
      event.preventDefault();
      show(at + (step.dataset.step === 'next' ? 1 : -1));
    } else if (zoom) {
      event.preventDefault();
      stage.dataset.zoom = zoom.dataset.zoom;
      for (const it of viewer.querySelectorAll('a[data-zoom]')) it.toggleAttribute('aria-current', it === zoom);
      zoom.setAttribute('aria-current', 'true');
    }
  });
  slider.addEventListener('input', () => show(Number(slider.value)));
  stage.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const enlarged = stage.dataset.zoom !== '1';
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, PageDown: at + 10, PageUp: at - 10, Home: 1, End: pictures.length }[event.key];
    // Up and down move an enlarged picture, as everywhere.
    const upright = enlarged ? undefined : { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
    const wish = to ?? upright;
    if (wish === undefined) return;
    event.preventDefault();
    show(wish);
  });
  stage.addEventListener('wheel', (event) => {
    if (stage.dataset.zoom !== '1' || event.ctrlKey || pictures.length < 2) return;
    event.preventDefault();
    show(at + Math.sign(event.deltaY));
  }, { passive: false });
});
