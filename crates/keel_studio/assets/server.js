// Requests to the studio's server, and its events.

const answer = async response => {
  const kind = response.headers.get('content-type') ?? '';
  const body = kind.includes('json') ? await response.json() : await response.text();
  if (response.ok) return body;
  throw new Error(body?.error ?? (typeof body === 'string' && body) ?? `${response.status}`);
};

const queried = (path, query) => {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    [value].flat().filter(one => one !== null && one !== undefined).forEach(one => pairs.append(name, one));
  }
  const text = pairs.toString();
  return text ? `${path}?${text}` : path;
};

// Returns the content at `path`, or throws an error with the server's message.
export const get = async (path, query = {}) => answer(await fetch(queried(path, query)));

// Returns the address of a resource of a run.
export const ofRun = (name, what) => `/api/runs/${encodeURIComponent(name)}/${what}`;

// Starts an action; runs are identified by their names in the list.
export const act = async action => answer(await fetch('/api/actions', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(action),
}));

// Requests a prediction for an image or a row from the model of a run.
export const predict = async (name, content, kind) => answer(await fetch(ofRun(name, 'predict'), {
  method: 'POST',
  headers: { 'content-type': kind },
  body: content,
}));

// Milliseconds before another attempt to reach the server.
const PATIENCE = 2000;

// Subscribes to events; returns a function that unsubscribes. `query` returns what is already known whenever the events
// start again: after the server was unreachable, and when the reader returns to the page. A hidden page does not
// subscribe, because a browser allows only a few connections per server. `state` is called with whether the server
// answers.
export const listen = (path, query, listeners, state = () => {}) => {
  let [source, timer, over] = [null, 0, false];
  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };
  const open = () => {
    close();
    if (over || document.hidden) return;
    source = new EventSource(queried(path, query()));
    for (const [name, listener] of Object.entries(listeners)) {
      source.addEventListener(name, event => listener(JSON.parse(event.data)));
    }
    source.addEventListener('open', () => state(true));
    source.addEventListener('error', () => {
      state(false);
      close();
      timer = setTimeout(open, PATIENCE);
    });
  };
  document.addEventListener('visibilitychange', open);
  open();
  return () => {
    over = true;
    close();
    document.removeEventListener('visibilitychange', open);
  };
};
