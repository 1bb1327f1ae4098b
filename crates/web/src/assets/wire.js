// What binds scripts to pages. A script says what it does to an element once; it is done to all that are there
// and to those that come later: in a drawer, or when a part of the page was fetched anew.

const bound = [];

/** Does `bind` to every element that fits, now and when others are shown. */
export function each(selector, bind) {
  const done = new WeakSet();
  const run = (root) => {
    const all = [...root.querySelectorAll(selector)];
    if (root.matches?.(selector)) all.unshift(root);
    for (const it of all) {
      if (done.has(it)) continue;
      done.add(it);
      bind(it);
    }
  };
  bound.push(run);
  run(document);
}

/** Tells all scripts that something new is in the page. */
export function shown(root) {
  bound.forEach((run) => run(root));
}

/** Words of the page for scripts: they stand on the body, in the language of the page. */
export function say(name) {
  return document.body.dataset[`word${name[0].toUpperCase()}${name.slice(1)}`] ?? '';
}

/** Puts an answer of ours into the page: what is in it was made and escaped by the server. */
export function parsed(text) {
  return new DOMParser().parseFromString(text, 'text/html');
}

/** Loads the sheets and scripts of another page that this one lacks. */
export async function borrow(other) {
  const waits = [];
  for (const link of other.head.querySelectorAll('link[rel=stylesheet]')) {
    if (document.head.querySelector(`link[href="${link.getAttribute('href')}"]`)) continue;
    const own = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: link.getAttribute('href') });
    waits.push(new Promise((done) => { own.onload = done; own.onerror = done; }));
    document.head.append(own);
  }
  for (const script of other.head.querySelectorAll('script[src]')) waits.push(import(script.getAttribute('src')));
  await Promise.allSettled(waits);
}
