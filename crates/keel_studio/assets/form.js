// Form for a new training run, generated from the config schema with the help of every key.

import { button, fill, make } from './dom.js';
import { get } from './server.js';
import { language, t } from './words.js';

// Most commonly used keys, in this order; the others are below.
const BASICS = ['data.source', 'data.target', 'model.preset', 'train.epochs', 'train.batch_size', 'train.seed', 'train.time_limit', 'optimizer', 'schedule', 'health.level', 'run.name'];

// Keys set by the studio itself.
const LEFT_OUT = ['run.directory'];

// Returns the names a key accepts, each with a description, from all alternatives that are names.
const namesOf = schema => {
  const own = schema.const !== undefined ? [[schema.const, schema.description]] : (schema.enum ?? []).map(name => [name, '']);
  return [...own, ...[...(schema.oneOf ?? []), ...(schema.anyOf ?? [])].flatMap(namesOf)].filter(([name]) => typeof name === 'string');
};

const typesOf = schema => [schema.type ?? []].flat();
const text = value => (typeof value === 'string' ? value : JSON.stringify(value));

// Creates the input of one key, with its value if one was given.
const field = (key, schema) => {
  const [types, names] = [typesOf(schema), namesOf(schema)];
  const given = schema.default === undefined || schema.default === null || schema.default === '' ? null : text(schema.default);
  const unset = given === null ? t('form.unset') : t('form.default', given);
  let [input, value] = [null, null];
  if (types.includes('boolean')) {
    input = make('select', {}, make('option', { value: '' }, unset), ['true', 'false'].map(one => make('option', { value: one }, one)));
    value = chosen => chosen === 'true';
  } else if (types.includes('integer') || types.includes('number')) {
    const step = types.includes('integer') ? 1 : 'any';
    input = make('input', { type: 'number', step, min: schema.minimum, max: schema.maximum, placeholder: given ?? '' });
    value = Number;
  } else if (names.length > 0) {
    input = make('select', {}, make('option', { value: '' }, unset), names.map(([name, summary]) => make('option', { value: name }, summary ? `${name} – ${summary}` : name)));
    value = chosen => chosen;
  } else if (types.includes('string')) {
    input = make('input', { type: 'text', placeholder: given ?? '', autocomplete: 'off', spellcheck: 'false' });
    value = chosen => chosen;
  } else return null;
  input.dataset.key = key;
  const node = make('label', { class: 'field wide' }, make('span', {}, make('code', {}, key)), input, make('small', {}, schema.description ?? ''));
  return { key, node, read: () => (input.value === '' ? {} : { [key]: value(input.value) }) };
};

// A section with several variants, each with its own keys.
const kinds = (section, schema) => {
  const all = schema.oneOf.map(one => ({ name: one.properties.type.const, summary: one.description ?? '', properties: one.properties }));
  const first = schema.default?.type ?? all[0].name;
  const inner = make('div', { class: 'fields' });
  let fields = [];
  const select = make('select', { 'data-key': `${section}.type`, on: { change: () => show(select.value || first) } }, make('option', { value: '' }, t('form.default', first)),
    all.map(one => make('option', { value: one.name }, one.summary ? `${one.name} – ${one.summary}` : one.name)));
  const show = name => {
    const kind = all.find(one => one.name === name);
    const own = name === first ? schema.default ?? {} : {};
    fields = Object.entries(kind.properties).filter(([key]) => key !== 'type')
      .map(([key, one]) => field(`${section}.${key}`, { ...one, default: own[key] ?? one.default })).filter(Boolean);
    fill(inner, fields.map(one => one.node));
  };
  show(first);
  const node = make('fieldset', {}, make('legend', {}, section), make('label', { class: 'field wide' }, make('span', {}, make('code', {}, `${section}.type`)), select, make('small', {}, schema.description ?? '')), inner);
  return { key: section, node, read: () => Object.assign(select.value === '' ? {} : { [`${section}.type`]: select.value }, ...fields.map(one => one.read())) };
};

const fieldsOf = (section, schema) => (schema.oneOf ? [kinds(section, schema)]
  : Object.entries(schema.properties ?? {}).map(([key, one]) => field(`${section}.${key}`, one)).filter(Boolean));

export const formPage = studio => {
  const form = make('form', { on: { submit: event => {
    event.preventDefault();
    send('train');
  } } }, make('p', { class: 'soft' }, t('loading')));
  let fields = [];
  const more = make('textarea', { rows: 3, spellcheck: 'false', placeholder: 'optimizer.learning_rate=0.01' });
  const send = action => studio.start({ action, settings: Object.assign({}, ...fields.map(one => one.read())), more: more.value.split('\n') });

  const draw = ({ schema }) => {
    const sections = Object.entries(schema.properties);
    fields = sections.flatMap(([section, one]) => fieldsOf(section, one)).filter(one => !LEFT_OUT.includes(one.key));
    const isBasic = one => BASICS.includes(one.key);
    const basics = fields.filter(isBasic).sort((one, other) => BASICS.indexOf(one.key) - BASICS.indexOf(other.key));
    const rest = sections.map(([section, one]) => {
      const own = fields.filter(found => !isBasic(found) && found.key.startsWith(`${section}.`));
      return own.length > 0 ? make('details', {}, make('summary', {}, section, make('span', { class: 'soft' }, ` ${one.description ?? ''}`)), make('div', { class: 'fields' }, own.map(found => found.node))) : null;
    });
    fill(form, language() === 'zh' ? make('p', { class: 'soft' }, t('form.english')) : null,
      make('section', {}, make('h2', {}, t('form.basics')), make('div', { class: 'fields' }, basics.map(one => one.node))),
      make('section', {}, make('h2', {}, t('form.all')), rest, make('label', { class: 'field wide more' }, make('span', {}, t('form.more')), more, make('small', {}, t('form.more.help')))),
      make('div', { class: 'tools sticky' }, make('button', { type: 'submit', class: 'main' }, t('form.start')), button(t('form.check'), () => form.reportValidity() && send('check'), { title: t('form.check.help') })));
  };
  return {
    title: t('form.title'),
    node: make('div', { class: 'report page' }, make('header', {}, make('h1', {}, t('form.title')), make('p', { class: 'lead' }, t('form.lead'))), form),
    opened: () => get('/api/form').then(draw).catch(error => studio.say(error.message)),
  };
};
