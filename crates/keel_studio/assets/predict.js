// Prediction for an image or a row with the model of a run.

import { fill, make } from './dom.js';
import { number, percent } from './format.js';
import { predict } from './server.js';
import { t } from './words.js';

// Maximum number of table rows shown.
const MOST_ROWS = 100;
// Maximum number of predicted classes shown.
const MOST_CLASSES = 10;

const sorted = values => Object.entries(values).sort((one, other) => other[1] - one[1]);

// Shows a prediction: a class with its probabilities as bars, or a value for each target.
const shown = prediction => {
  if (prediction.undefined) return make('p', { class: 'notice bad' }, prediction.undefined);
  const unlike = prediction.unlike_training?.length > 0
    ? make('p', { class: 'notice warn' }, t('predict.unlike', prediction.unlike_training.join(', '))) : null;
  if (prediction.values) {
    const rows = Object.entries(prediction.values).map(([name, value]) => make('tr', {}, make('th', { scope: 'row' }, name), make('td', {}, number(value))));
    return make('div', {}, unlike, make('table', {}, make('tbody', {}, rows)));
  }
  const rows = sorted(prediction.probabilities).slice(0, MOST_CLASSES).map(([name, share]) =>
    make('tr', {}, make('th', { scope: 'row' }, name), make('td', {}, percent(share)), make('td', { class: 'bar-cell', 'aria-hidden': 'true' }, make('i', { style: `width:${(share * 100).toFixed(1)}%` }))));
  return make('div', {}, unlike, make('p', { class: 'answer' }, make('b', {}, prediction.class), ` ${percent(prediction.probability)}`), make('table', {}, make('tbody', {}, rows)));
};

// Shows the predictions of many rows.
const table = predictions => {
  const rows = predictions.slice(0, MOST_ROWS).map((one, index) => {
    const values = one.values ? Object.values(one.values).map(number) : [one.class ?? one.undefined, percent(one.probability ?? NaN)];
    return make('tr', {}, make('td', {}, String(index + 1)), values.map(value => make('td', {}, value)));
  });
  const first = predictions[0];
  const names = first.values ? Object.keys(first.values) : [t('predict.class'), t('predict.probability')];
  return make('div', {}, make('p', { class: 'soft' }, t('predict.samples', predictions.length, rows.length)),
    make('div', { class: 'table' }, make('table', {}, make('thead', {}, make('tr', {}, make('td'), names.map(name => make('th', { scope: 'col' }, name)))), make('tbody', {}, rows))));
};

// Creates the input form for the model of the run `name`.
export const predictor = (name, details) => {
  const out = make('div', { class: 'prediction', 'aria-live': 'polite' });
  const ask = async (content, kind, picture = null) => {
    fill(out, make('p', { class: 'soft' }, t('loading')));
    try {
      const { predictions, remarks } = await predict(name, content, kind);
      fill(out, picture ? make('img', { src: picture, alt: '' }) : null, predictions.length === 1 ? shown(predictions[0]) : table(predictions),
        remarks ? make('p', { class: 'soft' }, remarks) : null);
    } catch (error) {
      fill(out, make('p', { class: 'notice bad' }, error.message));
    }
  };
  const askFile = file => {
    const csv = file.name.toLowerCase().endsWith('.csv');
    const kind = csv ? 'text/csv' : file.type;
    return ask(file, kind, kind.startsWith('image/') ? URL.createObjectURL(file) : null);
  };
  if (details.input === 'image') return make('div', { class: 'ask' }, dropZone(askFile, 'image/*', [t('predict.drop'), t('predict.paste')]), out);
  if (details.input === 'row') return make('div', { class: 'ask' }, rowForm(details.columns, ask), dropZone(askFile, '.csv', [t('predict.table')]), out);
  return make('p', { class: 'calm' }, t('predict.none'), ' ', make('code', {}, `evenkeel predict ${details.path} INPUT`));
};

const dropZone = (take, accept, words) => {
  const input = make('input', { type: 'file', accept, class: 'visually-hidden', on: { change: () => input.files[0] && take(input.files[0]) } });
  const zone = make('label', { class: 'drop' }, input, words.map((text, index) => make('span', { class: index > 0 ? 'soft' : '' }, text)));
  const over = state => event => {
    event.preventDefault();
    zone.classList.toggle('over', state);
  };
  zone.addEventListener('dragover', over(true));
  zone.addEventListener('dragleave', over(false));
  zone.addEventListener('drop', event => {
    over(false)(event);
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
  return zone;
};

const rowForm = (columns, ask) => {
  const asked = columns.filter(column => column.kind !== 'target' && !column.became.startsWith('left out'));
  const fields = asked.map(column => {
    const input = make('input', { type: 'text', autocomplete: 'off', title: `${column.became}. ${column.reason}` });
    return { column, input, node: make('label', { class: 'field' }, make('span', {}, column.name), input) };
  });
  const send = () => {
    // Numbers are sent as numbers, everything else as text; an empty field is a missing value.
    const value = text => (text === '' ? null : (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : text));
    const row = Object.fromEntries(fields.map(({ column, input }) => [column.name, value(input.value.trim())]));
    ask(JSON.stringify(row), 'application/json');
  };
  return make('form', { on: { submit: event => {
    event.preventDefault();
    send();
  } } }, make('div', { class: 'fields' }, fields.map(field => field.node)), make('p', { class: 'soft' }, t('predict.empty')),
  make('button', { type: 'submit', class: 'main' }, t('predict.ask')));
};

