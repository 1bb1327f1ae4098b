// Passkeys: the one thing here that forms alone cannot do. The server gives the question, the device answers,
// and the form that the answer is put into is posted like any other.

import { say } from './wire.js';

const decode = (kind, options) => {
  const asked = options.publicKey ?? options;
  return kind === 'create' ? PublicKeyCredential.parseCreationOptionsFromJSON(asked) : PublicKeyCredential.parseRequestOptionsFromJSON(asked);
};

async function ask(form) {
  const kind = form.dataset.passkey;
  const answer = await fetch(form.dataset.question, { method: 'POST', headers: { accept: 'application/json' } });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.words ?? say('unanswered'));
  const publicKey = decode(kind, told.options);
  const credential = kind === 'create' ? await navigator.credentials.create({ publicKey }) : await navigator.credentials.get({ publicKey });
  form.elements.handle.value = told.handle;
  form.elements.answer.value = JSON.stringify(credential.toJSON());
}

const works = globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON;

document.querySelectorAll('form[data-passkey]').forEach((form) => {
  if (!works) return;
  form.hidden = false;
  const said = form.querySelector('[role=alert]');
  const button = form.querySelector('button');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    said.textContent = '';
    button.disabled = true;
    try {
      await ask(form);
      const name = document.getElementById('passkey-name');
      if (name) {
        const field = Object.assign(document.createElement('input'), { type: 'hidden', name: 'name', value: name.value });
        form.append(field);
      }
      form.submit();
    } catch (error) {
      button.disabled = false;
      said.textContent = error.name === 'NotAllowedError' ? say('chosen')
        : error.name === 'SecurityError' ? say('named')
        : error.name === 'InvalidStateError' ? say('twice') : error.message;
    }
  });
});

if (works) document.querySelectorAll('.needs-script').forEach((it) => { it.hidden = true; });
