// A video visit: two browsers meet by what they tell each other through the server (events one way, posts the other),
// and then talk without it. The clinician's browser calls; both may call again (perfect negotiation, W3C WebRTC 1.0, 4.4).
// The page works as a waiting room and for writing when there is no camera.

import { each } from './wire.js';

each('[data-room]', (room) => {
  const { room: address, seat } = room.dataset;
  const state = room.querySelector('[data-state]');
  const theirs = room.querySelector('.theirs');
  const mine = room.querySelector('.mine');
  const lines = room.querySelector('[data-lines]');
  const clock = room.querySelector('[data-clock]');
  const polite = seat === 'patient';
  let admitted = 'admitted' in room.dataset;
  let other = false;
  let peer = null;
  let own = null;
  let offering = false;
  let ignoring = false;
  let over = false;
  let since = Number(room.dataset.from ?? 0);

  const tell = (word) => { if (state.textContent !== state.dataset[word]) state.textContent = state.dataset[word]; };
  const say = (kind, data) => fetch(`${address}/say`, { method: 'POST', body: new URLSearchParams({ kind, data }) }).catch(() => null);
  const signal = (data) => say('signal', JSON.stringify(data));

  async function devices() {
    if (own) return own;
    try {
      own = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    } catch {
      try {
        own = await navigator.mediaDevices.getUserMedia({ audio: true });
      } catch {
        tell('nodevice');
        return null;
      }
    }
    mine.srcObject = own;
    for (const button of room.querySelectorAll('[data-mute], [data-dark]')) button.disabled = false;
    return own;
  }

  function hangUp() {
    peer?.close();
    peer = null;
    theirs.srcObject = null;
    room.classList.remove('talking');
  }

  async function meet() {
    if (peer || !admitted || !other || over) return;
    tell('connecting');
    peer = new RTCPeerConnection({ iceServers: JSON.parse(room.dataset.servers) });
    const here = peer;
    const stream = await devices();
    if (peer !== here) return;
    if (stream) stream.getTracks().forEach((track) => here.addTrack(track, stream));
    else ['audio', 'video'].forEach((kind) => here.addTransceiver(kind, { direction: 'recvonly' }));
    here.ontrack = ({ streams }) => { theirs.srcObject = streams[0] ?? null; };
    here.onicecandidate = ({ candidate }) => { if (candidate) signal({ candidate }); };
    here.onnegotiationneeded = async () => {
      if (polite && !here.remoteDescription) return;
      offering = true;
      await here.setLocalDescription();
      signal({ description: here.localDescription });
      offering = false;
    };
    here.onconnectionstatechange = () => {
      if (here.connectionState === 'connected') {
        tell('talking');
        room.classList.add('talking');
        since ||= Date.now();
      }
      if (here.connectionState === 'failed') here.restartIce();
    };
  }

  async function heard({ description, candidate }) {
    await meet();
    const here = peer;
    if (!here) return;
    if (description) {
      const collision = description.type === 'offer' && (offering || here.signalingState !== 'stable');
      ignoring = !polite && collision;
      if (ignoring) return;
      await here.setRemoteDescription(description);
      if (description.type === 'offer') {
        await here.setLocalDescription();
        signal({ description: here.localDescription });
      }
    } else if (candidate) {
      await here.addIceCandidate(candidate).catch((error) => { if (!ignoring) throw error; });
    }
  }

  function line({ who, text, at }) {
    const item = document.createElement('li');
    const name = document.createElement('strong');
    const time = document.createElement('time');
    name.textContent = `${lines.dataset[who]} `;
    time.textContent = new Date(at).toLocaleTimeString(document.documentElement.lang, { hour: '2-digit', minute: '2-digit' });
    item.className = who;
    item.append(name, time, document.createElement('br'), text);
    lines.append(item);
    lines.scrollTop = lines.scrollHeight;
  }

  // Signals come in order and are worked on in order.
  let busy = Promise.resolve();
  const events = new EventSource(`${address}/events`);
  events.onmessage = ({ data }) => { busy = busy.then(() => happened(JSON.parse(data))).catch(() => {}); };

  async function happened(it) {
    if (it.kind === 'state') {
      ({ admitted, other } = it);
      lines.replaceChildren();
      it.lines.forEach(line);
      if (it.consented && seat === 'clinician') tell('consented');
      else if (other) tell('here');
      await meet();
    } else if (it.kind === 'came') {
      other = true;
      hangUp();
      tell('here');
      await meet();
    } else if (it.kind === 'left') {
      other = false;
      hangUp();
      tell('left');
    } else if (it.kind === 'consented') {
      tell('consented');
    } else if (it.kind === 'admitted') {
      admitted = true;
      await meet();
    } else if (it.kind === 'signal') {
      await heard(it.data);
    } else if (it.kind === 'line') {
      line(it);
    } else if (it.kind === 'ended' || it.kind === 'elsewhere') {
      over = true;
      events.close();
      hangUp();
      own?.getTracks().forEach((track) => track.stop());
      mine.srcObject = null;
      tell(it.kind);
    }
  }

  room.querySelector('[data-devices]').addEventListener('click', devices);
  for (const [name, kind] of [['[data-mute]', 'audio'], ['[data-dark]', 'video']]) {
    const button = room.querySelector(name);
    button.addEventListener('click', () => {
      const off = button.getAttribute('aria-pressed') !== 'true';
      button.setAttribute('aria-pressed', String(off));
      own?.getTracks().filter((track) => track.kind === kind).forEach((track) => { track.enabled = !off; });
    });
  }
  room.querySelector('[data-chat]').addEventListener('submit', (event) => {
    event.preventDefault();
    const field = event.target.querySelector('input');
    if (field.value.trim()) say('line', field.value);
    field.value = '';
  });
  room.querySelector('[data-consent]')?.addEventListener('submit', async (event) => {
    event.preventDefault();
    await devices();
    const answer = await say('consent', '');
    if (answer?.ok) event.target.hidden = true;
  });
  setInterval(() => {
    if (!since || over) return;
    const seconds = Math.max(0, Math.round((Date.now() - since) / 1_000));
    clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  }, 1_000);
  addEventListener('pagehide', () => { events.close(); hangUp(); });
});
