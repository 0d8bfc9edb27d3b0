// The lamp's page: shows the state that the WebSocket reports, changes it by REST, and logs the events.
const AGAIN_MS = 250;

const element = (id) => document.getElementById(id);
const power = element('power');
const brightness = element('brightness');

function notice(text) {
  element('notice').textContent = text;
}

function log(text) {
  const line = document.createElement('li');
  line.textContent = text;
  element('log').append(line);
}

function setConnected(isConnected) {
  element('connection').textContent = isConnected ? 'connected' : 'offline';
  power.disabled = brightness.disabled = !isConnected;
}

function show(state) {
  power.textContent = state.on ? 'on' : 'off';
  power.setAttribute('aria-pressed', state.on);
  brightness.value = state.brightness;
  element('level').textContent = state.brightness;
  element('boots').textContent = state.boots;
}

/** Asks for a change until the lamp has made or refused it. */
async function change(wanted) {
  for (;;) {
    try {
      const answer = await fetch('/json/state', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(wanted),
      });
      if (answer.status !== 503) {
        notice(answer.ok ? '' : `refused: ${await answer.text()}`);
        return;
      }
      notice('The lamp is busy.');
    } catch {
      notice('The lamp does not answer.');
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

power.addEventListener('click', () => {
  notice('The lamp is asked.');
  change({ on: power.textContent === 'off' });
});
brightness.addEventListener('change', () => {
  notice('The lamp is asked.');
  change({ brightness: Number(brightness.value) });
});

function connect() {
  const ws = new WebSocket(`ws://${location.host}/ws`);
  ws.addEventListener('message', ({ data }) => {
    show(JSON.parse(data));
    setConnected(true);
  });
  ws.addEventListener('close', () => {
    if (!power.disabled) log('connection lost');
    setConnected(false);
    setTimeout(connect, AGAIN_MS);
  });
}

function listen() {
  const events = new EventSource('/events');
  events.addEventListener('log', ({ data }) => log(data));
  events.addEventListener('error', () => {
    // A stream that breaks off is opened again by the browser, but not one that was refused.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS);
  });
}

connect();
listen();
