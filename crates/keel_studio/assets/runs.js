// The list of runs.

import { button, choice, fill, link, make } from './dom.js';
import { count, duration, moment, progress, score } from './format.js';
import { t } from './words.js';

const ORDERS = {
  written: (one, other) => other.written - one.written,
  name: (one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }),
  // Sorts better runs first if scores are of one kind; for errors and losses, smaller is better.
  score: (one, other) => better(other) - better(one),
};
const better = run => {
  if (!run.score) return -Infinity;
  return ['accuracy', 'r2'].includes(run.score.metric) ? run.score.value : -run.score.value - 1e6;
};

export const TONES = { running: 'open', finished: 'good', stopped: 'warn', failed: 'bad', killed: 'bad', unreadable: 'bad' };

// Shows the state of a run.
export const statePill = run => make('span', { class: `pill ${TONES[run.state]}` }, t(`state.${run.state}`));

// Shows the findings of a run.
export const findingPills = findings => {
  const pill = (level, tone) => (findings[level] > 0
    ? make('span', { class: `pill ${tone}` }, t(findings[level] === 1 ? `level.${level}.one` : `level.${level}`, findings[level])) : null);
  const pills = [pill('error', 'bad'), pill('warn', 'warn'), pill('info', 'info')].filter(Boolean);
  return pills.length > 0 ? pills : [make('span', { class: 'soft' }, t('level.none'))];
};

// Shows the progress of a run, and the remaining time.
export const progressBar = run => {
  const share = progress(run);
  const epochs = run.planned_epochs ? `${count(run.epochs)} / ${count(run.planned_epochs)}` : count(run.epochs);
  const left = run.seconds_left === null ? null : make('span', { class: 'soft' }, t('left', duration(run.seconds_left)));
  return make('div', { class: 'progress' },
    make('div', { class: 'track', role: 'progressbar', 'aria-label': t('column.progress'), 'aria-valuenow': Math.round(share * 100), 'aria-valuemin': 0, 'aria-valuemax': 100 },
      make('i', { class: TONES[run.state], style: `width:${(share * 100).toFixed(1)}%` })),
    make('div', { class: 'between' }, make('span', {}, t('epochs', epochs)), left));
};

export const runsPage = studio => {
  const { list } = studio;
  const chosen = new Set();
  let [wanted, order] = ['', 'written'];
  const head = make('p', { class: 'lead' });
  const body = make('tbody');
  const compare = button('', () => studio.go(`/compare?${[...chosen].map(name => `run=${encodeURIComponent(name)}`).join('&')}`), { class: 'main' });
  const filter = make('input', { type: 'search', placeholder: t('runs.filter'), 'aria-label': t('runs.filter'), on: { input: () => {
    wanted = filter.value.trim().toLowerCase();
    draw();
  } } });
  const columns = ['run', 'state', 'data', 'model', 'score', 'progress', 'findings', 'written'];
  const table = make('table', { class: 'runs' },
    make('thead', {}, make('tr', {}, make('td'), columns.map(name => make('th', { scope: 'col' }, t(`column.${name}`))))), body);
  const tools = make('div', { class: 'tools' }, filter,
    choice(t('runs.sort'), Object.keys(ORDERS).map(name => [name, t(`sort.${name}`)]), order, value => {
      order = value;
      draw();
    }), compare);
  const empty = make('div', { class: 'calm' });
  const node = make('div', { class: 'report page' }, make('header', {}, make('h1', {}, t('runs.title')), head), tools, make('div', { class: 'table' }, table), empty);

  const row = run => {
    const box = make('input', { type: 'checkbox', checked: chosen.has(run.name), 'aria-label': t('runs.select', run.name), on: { change: () => {
      if (box.checked) chosen.add(run.name); else chosen.delete(run.name);
      drawCompare();
    } } });
    const cell = (name, ...children) => make('td', { 'data-label': t(`column.${name}`) }, children);
    const model = [run.preset, run.layers > 0 ? t('model.layers', count(run.layers)) : null, run.parameters > 0 ? t('model.parameters', count(run.parameters)) : null];
    return make('tr', {}, make('td', { class: 'box' }, box),
      make('th', { scope: 'row' }, link(`/runs/${encodeURIComponent(run.name)}`, run.name)),
      cell('state', statePill(run)), cell('data', run.data || '–'),
      cell('model', model.filter(Boolean).join(' · ') || '–'),
      cell('score', score(run.score), run.score ? make('span', { class: 'soft' }, ` ${t(`part.${run.score.part}`)}`) : null),
      cell('progress', progressBar(run)), cell('findings', make('span', { class: 'pills' }, findingPills(run.findings))),
      cell('written', moment(run.written)));
  };

  const drawCompare = () => {
    compare.disabled = chosen.size < 2;
    compare.textContent = chosen.size < 2 ? t('runs.choose') : t('runs.compare', chosen.size);
  };

  const draw = () => {
    const all = [...list.runs.values()];
    const running = all.filter(run => run.state === 'running').length;
    const matches = run => [run.name, run.data, run.preset, t(`state.${run.state}`), run.state].some(text => text.toLowerCase().includes(wanted));
    const shown = all.filter(matches).sort(ORDERS[order]);
    fill(head, list.known ? t(all.length === 1 ? 'runs.one' : 'runs.count', all.length, list.folder) : t('loading'), running > 0 ? ` · ${t('runs.running', running)}` : null);
    // A checkbox about to be ticked keeps the focus.
    const focused = document.activeElement?.getAttribute('aria-label');
    fill(body, shown.map(row));
    if (focused) [...body.querySelectorAll('input')].find(box => box.getAttribute('aria-label') === focused)?.focus();
    [table.hidden, tools.hidden] = [shown.length === 0, all.length === 0];
    empty.hidden = !list.known || shown.length > 0;
    fill(empty, all.length === 0 ? [make('p', {}, t('runs.none', list.folder), ' ', t('runs.begin')), link('/new', t('nav.new'), { class: 'button main' })] : t('runs.no_match'));
    drawCompare();
  };
  draw();
  return { title: t('runs.title'), node, listChanged: draw };
};
