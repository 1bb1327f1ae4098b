// The app of the launcher page: a SMART app like any other, in a hundred lines, that shows what it was given.

const told = document.querySelector('#told');
const state = document.querySelector('#state');
const here = location.origin + location.pathname;
const asked = new URLSearchParams(location.search);

const text = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
const chance = () => text(crypto.getRandomValues(new Uint8Array(32)));

function show(title, value) {
  const section = document.createElement('section');
  const heading = document.createElement('h2');
  const shown = document.createElement('pre');
  heading.textContent = title;
  shown.textContent = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  shown.tabIndex = 0;
  shown.setAttribute('aria-label', title);
  section.append(heading, shown);
  told.append(section);
}

function decoded(token) {
  const part = (piece) => JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(piece.replace(/-/g, '+').replace(/_/g, '/')), (it) => it.charCodeAt(0))));
  const [head, claims] = token.split('.');
  return { header: part(head), claims: part(claims) };
}

async function begin() {
  const iss = asked.get('iss');
  const smart = await (await fetch(`${iss}/.well-known/smart-configuration`)).json();
  const verifier = chance();
  const own = { iss, verifier, state: chance(), nonce: chance(), token: smart.token_endpoint, issuer: smart.issuer };
  sessionStorage.setItem('launch', JSON.stringify(own));
  const question = new URLSearchParams({
    response_type: 'code', client_id: told.dataset.client, redirect_uri: here, state: own.state, nonce: own.nonce, aud: iss,
    scope: asked.get('scope') ?? 'launch openid fhirUser patient/*.rs',
    code_challenge: text(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))),
    code_challenge_method: 'S256',
  });
  if (asked.get('launch')) question.set('launch', asked.get('launch'));
  location.assign(`${smart.authorization_endpoint}?${question}`);
}

async function finish() {
  const own = JSON.parse(sessionStorage.getItem('launch') ?? 'null');
  sessionStorage.removeItem('launch');
  history.replaceState(null, '', here);
  if (!own || own.state !== asked.get('state') || own.issuer !== asked.get('iss')) {
    state.textContent = 'This answer belongs to another question; begin again.';
    return;
  }
  const form = new URLSearchParams({
    grant_type: 'authorization_code', code: asked.get('code'), redirect_uri: here,
    code_verifier: own.verifier, client_id: told.dataset.client,
  });
  const answer = await fetch(own.token, { method: 'POST', body: form });
  const tokens = await answer.json();
  if (!answer.ok) {
    state.textContent = `The server gave no token: ${tokens.error}`;
    show('Answer', tokens);
    return;
  }
  state.textContent = 'Connected.';
  show('Token response', tokens);
  if (tokens.id_token) show('Identity token', decoded(tokens.id_token));
  const headers = { authorization: `Bearer ${tokens.access_token}`, accept: 'application/fhir+json' };
  if (tokens.patient) {
    const read = await fetch(`${own.iss}/Patient/${tokens.patient}`, { headers });
    show(`GET Patient/${tokens.patient}: ${read.status}`, await read.json());
  }
}

try {
  if (asked.get('error')) {
    state.textContent = `The server said no: ${asked.get('error')}. ${asked.get('error_description') ?? ''}`;
  } else if (asked.get('code')) {
    await finish();
  } else if (asked.get('iss')) {
    await begin();
  } else {
    state.textContent = 'Open this app from the launcher.';
  }
} catch (error) {
  state.textContent = `This did not work: ${error.message}`;
}
