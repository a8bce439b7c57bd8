// Curves of several runs in shared charts, and the settings in which the runs differ.

import { choice, fill, link, make, settled, tick } from './dom.js';
import { count, duration, score } from './format.js';
import { ofEpochs } from './curves.js';
import { lineChart } from './lines.js';
import { findingPills, statePill } from './runs.js';
import { get, ofRun } from './server.js';
import { t } from './words.js';

// Approximate number of points over all curves of a chart.
const ALL_POINTS = 24000;
// Maximum number of simultaneous requests.
const TOGETHER = 4;

export const comparePage = studio => {
  const names = [...new Set(new URLSearchParams(location.search).getAll('run'))];
  const runs = new Map();
  let [closed, span] = [false, 'auto'];
  const chart = title => lineChart({ title: t(title), xTitle: t('step') });
  const [loss, validation, quality] = [chart('compare.smoothed'), chart('compare.validation_loss'), chart('compare.validation_accuracy')];
  const charts = [loss, validation, quality];
  const [state, results, settings] = [make('p', { class: 'soft', role: 'status' }), make('div'), make('div')];

  // The colours of the page for a few runs, hues spread around the circle for many.
  const colour = index => (names.length <= 8 ? { colour: index } : { hue: (index * 360) / names.length });

  const draw = () => {
    fill(state, runs.size < names.length ? t('compare.loaded', runs.size, names.length) : null);
    const found = names.map((name, index) => ({ name, index, run: runs.get(name) })).filter(one => one.run);
    const of = read => found.map(({ name, index, run }) => ({ name, ...read(run), ...colour(index), kind: 'line' })).filter(one => one.x.length > 0);
    const dotted = list => list.map(one => ({ ...one, kind: one.x.length <= 60 && names.length <= 12 ? 'both' : 'line' }));
    loss.set(of(run => run.smoothed));
    validation.set(dotted(of(run => ofEpochs(run.epochs, 'val', epoch => epoch.loss))));
    const classes = found.some(({ run }) => run.epochs.some(epoch => epoch.accuracy !== null));
    quality.setTitle(t(classes ? 'compare.validation_accuracy' : 'compare.validation_rmse'));
    quality.set(dotted(of(run => ofEpochs(run.epochs, 'val', epoch => (classes ? epoch.accuracy : epoch.rmse)))));
  };

  const points = Math.max(60, Math.min(1200, Math.round(ALL_POINTS / names.length)));
  // Many runs are loaded one after another.
  const drawSoon = settled(() => { if (!closed) draw(); }, 60);
  const readRun = async name => {
    const found = await get(ofRun(name, 'curves'), { points, span: span === 'auto' ? null : span });
    runs.set(name, found);
    drawSoon();
  };
  const readCurves = async () => {
    runs.clear();
    const waiting = [...names];
    const worker = async () => {
      while (waiting.length > 0 && !closed) {
        const name = waiting.shift();
        await readRun(name);
      }
    };
    await Promise.all(Array.from({ length: TOGETHER }, worker));
  };

  const drawTables = ({ runs: entries, settings: differing }) => {
    const head = make('thead', {}, make('tr', {}, make('td'), entries.map(run => make('th', { scope: 'col' }, link(`/runs/${encodeURIComponent(run.name)}`, run.name)))));
    const row = (title, cell) => make('tr', {}, make('th', { scope: 'row' }, title), entries.map(run => make('td', {}, cell(run))));
    fill(results, make('div', { class: 'table' }, make('table', { class: 'side' }, head.cloneNode(true), make('tbody', {},
      row(t('column.state'), run => statePill(run)), row(t('column.data'), run => run.data || '–'), row(t('column.score'), run => score(run.score)),
      row(t('tile.epochs'), run => count(run.epochs)), row(t('tile.steps'), run => count(run.steps)), row(t('tile.time'), run => duration(run.seconds)),
      row(t('tile.speed'), run => (run.samples_per_second > 0 ? count(run.samples_per_second) : '–')), row(t('tile.parameters'), run => count(run.parameters)),
      row(t('column.findings'), run => findingPills(run.findings))))));
    const text = value => (value === null ? make('span', { class: 'soft' }, t('compare.absent')) : typeof value === 'string' ? value : JSON.stringify(value));
    fill(settings, differing.length === 0 ? make('p', { class: 'calm' }, t('compare.same'))
      : make('div', { class: 'table' }, make('table', { class: 'side' }, head, make('tbody', {},
        differing.map(({ key, values }) => make('tr', {}, make('th', { scope: 'row' }, make('code', {}, key)), values.map(value => make('td', {}, text(value)))))))));
  };

  const report = error => { if (!closed) studio.say(error.message); };
  const spans = [['auto', t('curves.auto')], ['1', t('curves.off')], ...[20, 100, 500].map(steps => [String(steps), t('curves.span', steps)])];
  const tools = make('div', { class: 'tools' }, choice(t('curves.smoothing'), spans, span, value => {
    span = value;
    readCurves().catch(report);
  }), tick(t('curves.log_loss'), false, value => [loss, validation].forEach(one => one.setLogarithmic(value))),
  tick(t('curves.far_steps'), false, value => charts.forEach(one => one.setFarSteps(value))), state);
  const body = names.length < 2 ? [make('p', { class: 'calm' }, t('compare.few'), ' ', link('/', t('nav.runs')))]
    : [tools, make('div', { class: 'grid-2' }, charts.map(one => one.node)),
      make('section', {}, make('h2', {}, t('compare.settings')), settings), make('section', {}, make('h2', {}, t('compare.results')), results)];
  return {
    title: t('compare.title'),
    node: make('div', { class: 'report page' }, make('header', {}, make('h1', {}, t('compare.title'))), body),
    opened: () => {
      if (names.length < 2) return;
      get('/api/compare', { run: names }).then(drawTables).catch(report);
      readCurves().catch(report);
    },
    // Runs that have progressed are read again.
    listChanged: () => {
      const grown = name => runs.has(name) && (studio.list.runs.get(name)?.steps ?? 0) > runs.get(name).last_step;
      names.filter(grown).forEach(name => readRun(name).catch(report));
    },
    close: () => {
      closed = true;
      charts.forEach(one => one.close());
    },
  };
};
