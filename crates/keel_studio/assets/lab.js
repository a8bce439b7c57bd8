// The lab: experiments computed when opened.

import { fill, link, make } from './dom.js';
import { get } from './server.js';
import { language, t } from './words.js';

export const labPage = studio => {
  const body = make('div', {}, make('p', { class: 'soft' }, t('loading')));
  const card = one => make('article', { class: 'card-link' }, make('h3', {}, link(`/lab/${one.name}`, one.title)), make('p', {}, one.summary));
  // A separate page, so that the address contains its state.
  const exhibit = one => link(`/exhibits/${one.name}?lang=${language()}`, one.title);
  const tried = chapter => (chapter.exhibits.length > 0
    ? make('p', { class: 'try' }, `${t('lab.try')} `, chapter.exhibits.flatMap((one, index) => (index > 0 ? [' · ', exhibit(one)] : [exhibit(one)]))) : null);
  return {
    title: t('lab.title'),
    node: make('div', { class: 'report page' }, make('header', {}, make('h1', {}, t('lab.title')), make('p', { class: 'lead' }, t('lab.lead'))), body),
    opened: () => get('/api/lab', { lang: language() }).then(chapters => fill(body, chapters.map(chapter => [
      make('h2', {}, chapter.title), tried(chapter), make('div', { class: 'cards' }, chapter.experiments.map(card)),
    ]))).catch(error => studio.say(error.message)),
  };
};

export const experimentPage = (studio, name) => {
  const frame = make('iframe', { class: 'experiment', title: name, sandbox: 'allow-scripts' });
  const state = make('p', { class: 'soft', role: 'status' }, t('lab.computing'));
  const fields = make('div', { class: 'fields' });
  const title = make('h1', {}, name);
  const seed = make('input', { type: 'number', min: 0, value: 0 });
  let knobs = [];
  const compute = () => {
    const pairs = new URLSearchParams({ lang: language(), seed: seed.value });
    knobs.filter(({ input, given }) => input.value.trim() !== given).forEach(({ knob, input }) => pairs.append('set', `${knob.name}=${input.value.trim()}`));
    state.hidden = false;
    frame.src = `/experiment/${encodeURIComponent(name)}?${pairs}`;
  };
  frame.addEventListener('load', () => { state.hidden = true; });
  const text = value => (typeof value === 'string' ? value : JSON.stringify(value));
  const form = make('form', { on: { submit: event => {
    event.preventDefault();
    compute();
  } } }, fields, make('button', { type: 'submit', class: 'main' }, t('lab.compute')));
  return {
    title: t('lab.title'),
    node: make('div', { class: 'report page' }, make('header', {}, make('p', { class: 'chapter' }, link('/lab', t('lab.back'))), title),
      make('details', {}, make('summary', {}, t('lab.knobs')), form), state, frame),
    opened: () => {
      get('/api/lab', { lang: language() }).then(chapters => {
        const found = chapters.flatMap(chapter => chapter.experiments).find(one => one.name === name);
        if (!found) throw new Error(name);
        title.textContent = found.title;
        frame.title = found.title;
        knobs = found.knobs.map(knob => ({ knob, given: text(knob.default), input: make('input', { type: 'text', value: text(knob.default), autocomplete: 'off' }) }));
        fill(fields, knobs.map(({ knob, input }) => make('label', { class: 'field wide' }, make('span', {}, make('code', {}, knob.name)), input, make('small', {}, knob.help))),
          make('label', { class: 'field wide' }, make('span', {}, make('code', {}, t('lab.seed'))), seed));
      }).catch(error => studio.say(error.message));
      compute();
    },
  };
};
