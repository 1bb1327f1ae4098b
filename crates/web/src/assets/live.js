// Keeps the open page as it is in the record. The server tells which types changed, never what is in them; the parts of
// the page that show such a type (`data-live="Observation Condition"`, with an id) are fetched anew and put in their place,
// without losing the focus, what is typed, what is folded open or how far something is scrolled. Nobody is kept signed in
// by this, and a page in the background does not listen.

const place = document.querySelector('[data-stream]');
const parts = () => [...document.querySelectorAll('[data-live][id]:not(form)')];

function begin() {
  let stream = null;
  let last = '';
  let timer = 0;
  let busy = false;
  let ended = false;
  const changed = new Set();
  const fetched = new Map();

  const kinds = (part) => part.dataset.live.split(' ').filter(Boolean);

  function address() {
    const to = new URL(place.dataset.stream, location.href);
    to.searchParams.set('kinds', [...new Set(parts().flatMap(kinds))].join(','));
    if (last) to.searchParams.set('after', last);
    return to;
  }

  function listen() {
    if (stream || ended || document.hidden) return;
    stream = new EventSource(address());
    const at = (event) => { if (event.lastEventId) last = event.lastEventId; };
    stream.addEventListener('place', at);
    stream.addEventListener('change', (event) => {
      at(event);
      changed.add(JSON.parse(event.data).type);
      soon();
    });
    stream.addEventListener('lost', (event) => {
      at(event);
      parts().flatMap(kinds).forEach((kind) => changed.add(kind));
      soon();
    });
    stream.addEventListener('end', (event) => {
      leave();
      if (event.data === 'session') ended = true;
      else setTimeout(listen, 5_000);
    });
    stream.addEventListener('error', () => {
      if (stream?.readyState !== EventSource.CLOSED) return;
      leave();
      setTimeout(listen, 30_000);
    });
  }

  function leave() {
    stream?.close();
    stream = null;
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(refresh, 250);
  }

  async function refresh() {
    if (busy) return soon();
    busy = true;
    const now = new Set(changed);
    changed.clear();
    try {
      const answer = await fetch(location.href, { headers: { accept: 'text/html', 'x-continuo-glance': '1' }, cache: 'no-store' });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      let some = false;
      for (const part of parts().filter((it) => kinds(it).some((kind) => now.has(kind)))) {
        const fresh = page.getElementById(part.id);
        if (fresh && fetched.get(part.id) !== fresh.outerHTML) {
          fetched.set(part.id, fresh.outerHTML);
          some = put(part, document.importNode(fresh, true)) || some;
        }
      }
      if (some && place.nextElementSibling) place.nextElementSibling.textContent = place.dataset.said;
    } catch {
      // The next change asks again.
    } finally {
      busy = false;
    }
  }

  const stops = (part) => [...part.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')];
  const isTyped = (field) => field.matches('input, textarea, select')
    && (field.type === 'checkbox' || field.type === 'radio' ? field.checked !== field.defaultChecked
      : field.matches('select') ? ![...field.options].every((it) => it.selected === it.defaultSelected)
        : field.value !== field.defaultValue);

  function put(part, fresh) {
    // Something half written is never taken away: the part comes when it is left as it was.
    if ([...part.querySelectorAll('input, textarea, select')].some(isTyped)) {
      part.addEventListener('focusout', () => { changed.add(kinds(part)[0]); fetched.delete(part.id); soon(); }, { once: true });
      return false;
    }
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const nth = focused ? stops(part).indexOf(focused) : -1;
    const named = focused?.id ? `#${CSS.escape(focused.id)}` : focused?.getAttribute('href') ? `a[href="${CSS.escape(focused.getAttribute('href'))}"]` : null;
    const open = [...part.querySelectorAll('details')].map((it) => it.open);
    const scrolled = [...part.querySelectorAll('.scroll')].map((it) => [it.scrollLeft, it.scrollTop]);
    part.replaceWith(fresh);
    fresh.querySelectorAll('details').forEach((it, at) => { if (open[at] !== undefined) it.open = open[at]; });
    fresh.querySelectorAll('.scroll').forEach((it, at) => { if (scrolled[at]) it.scrollTo(...scrolled[at]); });
    if (focused) ((named && fresh.querySelector(named)) ?? stops(fresh)[nth] ?? fresh.querySelector('[tabindex]'))?.focus({ preventScroll: true });
    fresh.dispatchEvent(new CustomEvent('continuo:swapped', { bubbles: true }));
    return true;
  }

  document.addEventListener('visibilitychange', () => (document.hidden ? leave() : listen()));
  addEventListener('pagehide', leave);
  addEventListener('pageshow', listen);
  listen();
}

if (place && 'EventSource' in window && parts().length) begin();
