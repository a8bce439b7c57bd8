// An exhibit: changes of the controls become requests, answers become figures. The state is in the address.
(() => {
  'use strict';
  const facts = JSON.parse(document.getElementById('exhibit').textContent);
  const controls = document.getElementById('controls');
  const figures = document.getElementById('figures');
  const status = document.getElementById('status');
  const numbers = document.getElementById('numbers');
  const knobs = new Map(facts.knobs.map(knob => [knob.name, knob]));
  const words = facts.words;
  const state = { settings: new Map(), seed: 0 };

  // --- Values -----------------------------------------------------------------------------------------------------------
  const rounded = value => Number(value.toPrecision(3));
  const fitted = (knob, value) => {
    const inside = Math.min(knob.high ?? Infinity, Math.max(knob.low ?? -Infinity, knob.whole ? Math.round(value) : rounded(value)));
    return Object.is(inside, -0) ? 0 : inside;
  };
  const valueOf = name => state.settings.get(name) ?? knobs.get(name).default;
  const parsed = (knob, text) => {
    if (knob.choices.length > 0) return knob.choices.includes(text) ? text : undefined;
    if (typeof knob.default === 'boolean') return { true: true, false: false }[text];
    const value = Number(text);
    return text.trim() !== '' && Number.isFinite(value) ? fitted(knob, value) : undefined;
  };
  const put = (name, value) => {
    if (value === knobs.get(name).default) state.settings.delete(name); else state.settings.set(name, value);
  };

  // --- The address ------------------------------------------------------------------------------------------------------
  const address = () => {
    const pairs = [...state.settings].map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    if (state.seed !== 0) pairs.push(`seed=${state.seed}`);
    return pairs.length > 0 ? `#${pairs.join('&')}` : '';
  };
  let written = null;
  const writeAddress = () => {
    const wanted = address();
    if (wanted === written) return;
    written = wanted;
    history.replaceState(null, '', wanted || location.pathname + location.search);
    document.querySelectorAll('a[hreflang]').forEach(link => { link.hash = wanted; });
  };
  const readAddress = () => {
    state.settings.clear();
    state.seed = 0;
    for (const pair of location.hash.slice(1).split('&').filter(Boolean)) {
      const at = pair.indexOf('=');
      const name = pair.slice(0, at);
      let text = pair.slice(at + 1);
      try { text = decodeURIComponent(text); } catch { continue; }
      if (name === 'seed' && /^\d{1,15}$/.test(text)) state.seed = Number(text);
      const knob = knobs.get(name);
      const value = knob ? parsed(knob, text) : undefined;
      if (value !== undefined) put(name, value);
    }
  };

  // --- Controls ---------------------------------------------------------------------------------------------------------
  const shownNumber = value => (Math.abs(value) >= 1e6 ? value.toExponential(2) : String(value)).replace('-', '\u2212');
  const showControls = () => {
    controls.querySelectorAll('[data-knob]').forEach(input => {
      const value = valueOf(input.dataset.knob);
      if (input.type === 'checkbox') input.checked = value;
      else if (input.type === 'radio') input.checked = input.value === value;
      else if (input.type === 'range') {
        input.value = input.dataset.scale === 'log' ? Math.log10(value) : value;
        input.setAttribute('aria-valuetext', shownNumber(value));
      } else input.value = value;
    });
    controls.querySelectorAll('[data-exact]').forEach(input => {
      if (document.activeElement === input && input.dataset.typing) return;
      input.value = shownNumber(valueOf(input.dataset.exact));
      input.removeAttribute('aria-invalid');
    });
    controls.querySelectorAll('[data-settings]').forEach(button => {
      const all = Object.entries(JSON.parse(button.dataset.settings)).every(([name, value]) => valueOf(name) === value);
      button.setAttribute('aria-current', String(all));
    });
  };
  const changed = () => {
    writeAddress();
    showControls();
    ask(true);
  };

  controls.addEventListener('submit', event => event.preventDefault());
  controls.addEventListener('input', event => {
    const input = event.target;
    if (input.dataset.exact) { input.dataset.typing = 'yes'; return; }
    const knob = knobs.get(input.dataset.knob);
    if (!knob) return;
    stop();
    if (input.type === 'checkbox') put(knob.name, input.checked);
    else if (input.type === 'range') put(knob.name, fitted(knob, input.dataset.scale === 'log' ? 10 ** Number(input.value) : Number(input.value)));
    else put(knob.name, input.value);
    changed();
  });
  controls.addEventListener('change', event => {
    const input = event.target;
    if (!input.dataset.exact) return;
    delete input.dataset.typing;
    const knob = knobs.get(input.dataset.exact);
    const text = input.value.replace('\u2212', '-').replace(',', '.');
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value)) { input.setAttribute('aria-invalid', 'true'); return; }
    stop();
    const inside = Math.min(knob.high ?? Infinity, Math.max(knob.low ?? -Infinity, knob.whole ? Math.round(value) : value));
    put(knob.name, inside);
    changed();
  });
  controls.addEventListener('click', event => {
    const button = event.target.closest('button');
    if (!button) return;
    if (button.dataset.settings) {
      stop();
      Object.entries(JSON.parse(button.dataset.settings)).forEach(([name, value]) => put(name, value));
      changed();
    } else if (button.id === 'draw') {
      stop();
      state.seed += 1;
      changed();
    } else if (button.id === 'reset') {
      stop();
      state.settings.clear();
      state.seed = 0;
      changed();
    } else if (button.id === 'link') copyLink();
    else if (button.closest('.play')) playButton(button);
  });
  const copyLink = async () => {
    writeAddress();
    try {
      await navigator.clipboard.writeText(location.href);
      status.textContent = words.copied;
    } catch {
      status.textContent = `${words.copy} ${location.href}`;
    }
  };

  // --- Playing ----------------------------------------------------------------------------------------------------------
  let playing = null;
  const advance = box => {
    const knob = knobs.get(box.dataset.play);
    const before = valueOf(knob.name);
    put(knob.name, fitted(knob, before + Number(box.dataset.step)));
    return valueOf(knob.name) !== before;
  };
  const stop = () => {
    if (!playing) return;
    const button = playing.querySelector('.run');
    button.setAttribute('aria-pressed', 'false');
    button.textContent = words.play;
    playing = null;
  };
  const playButton = button => {
    const box = button.closest('.play');
    if (button.classList.contains('run')) {
      const wasPlaying = playing === box;
      stop();
      if (wasPlaying) return;
      playing = box;
      button.setAttribute('aria-pressed', 'true');
      button.textContent = words.pause;
      if (!advance(box)) put(box.dataset.play, knobs.get(box.dataset.play).low ?? 0);
    } else {
      stop();
      if (button.classList.contains('step')) advance(box);
      else put(box.dataset.play, knobs.get(box.dataset.play).low ?? 0);
    }
    changed();
  };

  // --- Dragging in a figure ---------------------------------------------------------------------------------------------
  let dragged = null;
  const plotOf = drag => document.querySelector(`#figure-${drag.figure} .plot`);
  const along = (axis, at) => {
    const [scale, low, high] = axis.split(' ');
    const value = Number(low) + Math.min(1, Math.max(0, at)) * (Number(high) - Number(low));
    return scale === 'log' ? 10 ** value : value;
  };
  const moveTo = event => {
    const plot = plotOf(dragged);
    const box = plot.querySelector('.area').getBoundingClientRect();
    const [x, y] = [along(plot.dataset.x, (event.clientX - box.left) / box.width), along(plot.dataset.y, (box.bottom - event.clientY) / box.height)];
    if (dragged.x) put(dragged.x, fitted(knobs.get(dragged.x), x));
    if (dragged.y) put(dragged.y, fitted(knobs.get(dragged.y), y));
    if (dragged.turned) {
      // Degrees from the vertical, counter-clockwise; a line has no direction, so half a turn changes nothing.
      const degrees = (Math.atan2(dragged.centre[0] - x, y - dragged.centre[1]) * 180) / Math.PI;
      put(dragged.turned, fitted(knobs.get(dragged.turned), degrees - 180 * Math.round(degrees / 180)));
    }
    changed();
  };
  figures.addEventListener('pointerdown', event => {
    const plot = event.target.closest('.plot');
    if (event.button !== 0 || !plot || !event.target.closest('.area')) return;
    dragged = facts.drags.find(drag => plotOf(drag) === plot) ?? null;
    if (!dragged) return;
    event.preventDefault();
    stop();
    // The figure is redrawn while it is dragged, so the box around it captures the pointer.
    if (event.isTrusted) figures.setPointerCapture(event.pointerId);
    figures.classList.add('moving');
    moveTo(event);
  });
  figures.addEventListener('pointermove', event => { if (dragged) moveTo(event); });
  const release = () => {
    dragged = null;
    figures.classList.remove('moving');
  };
  figures.addEventListener('pointerup', release);
  figures.addEventListener('pointercancel', release);

  // --- Answers ----------------------------------------------------------------------------------------------------------
  const show = (answer, question) => {
    status.classList.toggle('failed', Boolean(answer.error));
    if (answer.error) {
      stop();
      status.textContent = `${words.failed} ${answer.error}`;
      return;
    }
    if (status.textContent !== answer.status) status.textContent = answer.status;
    figures.innerHTML = answer.html;
    numbers.textContent = JSON.stringify(answer.numbers);
    numbers.dataset.question = JSON.stringify(question);
    document.documentElement.dataset.answers = String(Number(document.documentElement.dataset.answers ?? 0) + 1);
    dress();
  };
  // Figures with draggable points do not zoom.
  const dress = () => {
    facts.drags.forEach(drag => {
      const plot = plotOf(drag);
      if (!plot) return;
      plot.dataset.started = '';
      plot.classList.add('movable');
    });
    figures.dispatchEvent(new Event('chartsadded', { bubbles: true }));
  };

  let busy = false;
  let wanted = null;
  const ask = draft => {
    wanted = { exhibit: facts.exhibit, settings: [...state.settings], seed: state.seed, language: facts.language, draft };
    document.documentElement.dataset.settled = 'no';
    if (!busy) next();
  };
  const next = async () => {
    const question = wanted;
    wanted = null;
    busy = true;
    const slow = setTimeout(() => figures.setAttribute('aria-busy', 'true'), 200);
    let answer;
    try {
      answer = await engine(question);
    } catch (error) {
      answer = { error: error.message };
    }
    clearTimeout(slow);
    figures.removeAttribute('aria-busy');
    busy = false;
    show(answer, question);
    if (wanted) { next(); return; }
    if (answer.draft) { ask(false); return; }
    if (playing && !answer.error) {
      if (!advance(playing)) stop();
      else {
        writeAddress();
        showControls();
        requestAnimationFrame(() => ask(false));
        return;
      }
    }
    document.documentElement.dataset.settled = 'yes';
  };

  // --- Engines ----------------------------------------------------------------------------------------------------------
  const fromServer = async question => {
    const reply = await fetch(facts.server, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(question) });
    return reply.json();
  };

  // Runs in a worker, so that the page stays responsive, or in the page if workers are not available.
  const compiled = () => {
    let exports = null;
    let failure = 'the engine has not started';
    // Spreadsheet readers import a clock and random numbers of the browser, which no exhibit calls.
    const absent = new Proxy({}, { get: (_, name) => () => { throw new Error(`${String(name)} is not available`); } });
    const imports = new Proxy({}, { get: () => absent });
    let module = null;
    const text = (at, length) => new TextDecoder().decode(new Uint8Array(exports.memory.buffer, at, length));
    const begin = () => {
      exports = new WebAssembly.Instance(module, imports).exports;
      exports.start();
    };
    return {
      start: bytes => {
        try {
          module = new WebAssembly.Module(bytes);
          begin();
        } catch (error) {
          failure = String(error);
        }
      },
      answer: asked => {
        if (!exports) throw new Error(failure);
        const question = new TextEncoder().encode(asked);
        const at = exports.question(question.length);
        new Uint8Array(exports.memory.buffer, at, question.length).set(question);
        try {
          const length = exports.answer();
          return text(exports.answer_at(), length);
        } catch (error) {
          // The engine stops when it runs out of memory; another one is started for the next request.
          const sentence = text(exports.failure_at(), exports.failure()) || String(error);
          begin();
          throw new Error(sentence);
        }
      },
    };
  };
  const workerProgram = `const engine = (${compiled})();
    onmessage = ({ data }) => {
      try {
        if (data.bytes) engine.start(data.bytes); else postMessage({ text: engine.answer(data.text) });
      } catch (error) { postMessage({ error: String(error) }); }
    };`;

  const fromModule = encoded => {
    const bytes = Uint8Array.from(atob(encoded), character => character.charCodeAt(0));
    let worker = null;
    try {
      worker = new Worker(URL.createObjectURL(new Blob([workerProgram], { type: 'text/javascript' })));
    } catch {
      const engine = compiled();
      engine.start(bytes);
      return question => JSON.parse(engine.answer(JSON.stringify(question)));
    }
    let waiting = null;
    const settle = ({ text, error }) => {
      const { resolve, reject } = waiting;
      waiting = null;
      if (error) reject(new Error(error)); else resolve(JSON.parse(text));
    };
    worker.onmessage = ({ data }) => waiting && settle(data);
    worker.onerror = event => waiting && settle({ error: event.message || 'the engine stopped' });
    worker.postMessage({ bytes });
    return question => new Promise((resolve, reject) => {
      waiting = { resolve, reject };
      worker.postMessage({ text: JSON.stringify(question) });
    });
  };

  const module = facts.engine === 'script' ? globalThis.evenkeelEngine : null;
  const engine = facts.engine === 'server' ? fromServer : module ? fromModule(module) : null;
  if (!engine) {
    controls.querySelectorAll('input, select, button').forEach(control => { control.disabled = true; });
    status.textContent = `${status.textContent} ${words.missing}`;
    dress();
    return;
  }
  addEventListener('hashchange', () => {
    if (location.hash === written) return;
    stop();
    readAddress();
    changed();
  });
  readAddress();
  writeAddress();
  showControls();
  dress();
  if (state.settings.size > 0 || state.seed !== 0) ask(false); else document.documentElement.dataset.settled = 'yes';
})();
