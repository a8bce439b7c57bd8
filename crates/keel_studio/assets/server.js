// Requests to the studio's server, and what it sends by itself.

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

// What is at `path`; an error with the server's sentence where there is nothing.
export const get = async (path, query = {}) => answer(await fetch(queried(path, query)));

// Address of what belongs to a run.
export const ofRun = (name, what) => `/api/runs/${encodeURIComponent(name)}/${what}`;

// Does something: a run is named as the list names it.
export const act = async action => answer(await fetch('/api/actions', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(action),
}));

// Asks the model of a run about a picture or a row.
export const predict = async (name, content, kind) => answer(await fetch(ofRun(name, 'predict'), {
  method: 'POST',
  headers: { 'content-type': kind },
  body: content,
}));

// Milliseconds before a server that has gone is tried again.
const PATIENCE = 2000;

// Listens to events; returns what ends it. `query` says what is known already, whenever the events begin anew: after the server
// was away, and when the reader comes back to the page. A page nobody sees listens to nothing, because a browser keeps few
// connections to one server. `state` is told whether the server answers.
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
