// Reading a trend point by point. Each drawing is one stop of the Tab key; arrows, Home and End walk along
// its points, and what the point says is written and spoken below. The table has the same without this.

import { each } from './wire.js';

each('[data-plot]', (figure) => {
  const reader = figure.querySelector('[data-reader]');
  figure.querySelectorAll('svg').forEach((drawing) => {
    const points = [...drawing.querySelectorAll('.point')];
    const stop = (point) => points.forEach((it) => it.setAttribute('tabindex', it === point ? '0' : '-1'));
    if (points.length) stop(points[points.length - 1]);
    points.forEach((point, at) => {
      point.addEventListener('focus', () => {
        stop(point);
        reader.textContent = point.getAttribute('aria-label');
      });
      point.addEventListener('mouseenter', () => { reader.textContent = point.getAttribute('aria-label'); });
      point.addEventListener('keydown', (event) => {
        const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowUp: at + 1, ArrowDown: at - 1, PageUp: at + 10,
          PageDown: at - 10, Home: 0, End: points.length - 1 }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        points[Math.max(0, Math.min(to, points.length - 1))].focus();
      });
    });
  });
});
