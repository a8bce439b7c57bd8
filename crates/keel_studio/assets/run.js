// One run: its state, curves, layers, findings and results, and the available actions.

import { button, choice, fill, link, make } from './dom.js';
import { count, duration, score } from './format.js';
import { curves } from './curves.js';
import { layerMap } from './layers.js';
import { predictor } from './predict.js';
import { ridgeChart } from './ridges.js';
import { findingPills, progressBar, statePill, TONES } from './runs.js';
import { act, get, listen, ofRun } from './server.js';
import { has, language, t } from './words.js';

// Milliseconds between two readings of the layers of a running run.
const LAYERS_INTERVAL = 3000;

// Maps that are always shown, if the run has them.
const MAPS = ['dead_fraction', 'saturated_fraction', 'weight_update_ratio'];

const measurementName = name => (has(`measure.${name}`) ? t(`measure.${name}`) : name);

// Inserts the HTML of a part of the report, written and escaped by the engine.
const reportPart = (part, titled) => {
  const box = make('div', { class: 'part', 'data-anchor': part.anchor });
  box.innerHTML = part.html;
  return make('div', {}, titled ? make('h3', {}, part.title) : null, box);
};
const startCharts = box => box.dispatchEvent(new Event('chartsadded', { bubbles: true }));

export const runPage = (studio, name) => {
  let run = studio.list.runs.get(name) ?? null;
  let details = null;
  let [stop, closed] = [() => {}, false];
  const own = curves(name);

  const head = make('header');
  const section = (id, ...children) => make('section', { id, 'aria-labelledby': `${id}-title` }, make('h2', { id: `${id}-title` }, t(`section.${id}`)), children);
  const [maps, ridges, findings, samples, results, predict, setup] = Array.from({ length: 7 }, () => make('div'));
  const sections = [
    section('curves', own.node), section('findings', findings), section('layers', maps), section('distributions', ridges),
    section('samples', samples), section('predictions', results), section('predict', predict), section('setup', setup),
  ];
  const places = make('nav', { class: 'places', 'aria-label': t('run.sections') }, sections.map(one => make('a', { href: `#${one.id}` }, t(`section.${one.id}`))));
  const node = make('div', { class: 'report page' }, head, places, sections);
  const hide = (id, hidden) => {
    node.querySelector(`#${id}`).hidden = hidden;
    places.querySelector(`[href="#${id}"]`).hidden = hidden;
  };

  const [above, tools, below] = [make('div'), make('div', { class: 'tools' }), make('div')];
  fill(head, above, tools, below);
  let offered = '';
  const drawHead = () => {
    if (!run) return fill(above, make('h1', {}, name), make('p', { class: 'soft' }, t('loading')));
    const tile = (words, value) => make('div', {}, make('dt', {}, words), make('dd', {}, value));
    const result = run.score ? tile(`${t(`part.${run.score.part}`)} ${t(`metric.${run.score.metric}`)}`, score({ ...run.score }).replace(`${t(`metric.${run.score.metric}`)} `, '')) : null;
    const epochs = run.planned_epochs ? `${count(run.epochs)} / ${count(run.planned_epochs)}` : count(run.epochs);
    const note = has(`about.${run.state}`) || run.reason ? make('p', { class: `notice ${TONES[run.state]}` }, has(`about.${run.state}`) ? t(`about.${run.state}`) : null,
      run.reason ? make('span', { class: 'reason' }, ` ${run.reason}`) : null) : null;
    fill(above, make('p', { class: 'chapter' }, run.data), make('h1', {}, name),
      make('p', { class: 'state' }, statePill(run), findingPills(run.findings), run.process && run.state === 'running' ? make('span', {}, t('run.process', run.process)) : null), note);
    // Actions are not redrawn while a run is in progress, since an open menu would close.
    const offer = JSON.stringify([run.state, details?.resumable, details?.report, [...studio.list.runs.keys()]]);
    if (offer !== offered) fill(tools, actions());
    offered = offer;
    fill(below, run.state === 'running' ? progressBar(run) : null,
      make('dl', { class: 'tiles' }, result, tile(t('tile.epochs'), epochs), run.best_epoch > 0 ? tile(t('tile.best'), run.best_epoch) : null,
        tile(t('tile.steps'), count(run.steps)), tile(t('tile.time'), duration(run.seconds)),
        run.seconds_left === null ? null : tile(t('tile.left'), duration(run.seconds_left)),
        run.samples_per_second > 0 ? tile(t('tile.speed'), count(run.samples_per_second)) : null,
        run.parameters > 0 ? tile(t('tile.parameters'), count(run.parameters)) : null));
  };

  const actions = () => {
    const running = run.state === 'running';
    const halt = button(t('action.stop'), async () => {
      halt.disabled = true;
      halt.textContent = t('action.stopping');
      try {
        await act({ action: 'stop', run: name });
      } catch (error) {
        studio.say(error.message);
        halt.disabled = false;
        halt.textContent = t('action.stop');
      }
    }, { class: 'main', title: t('action.stop.help') });
    const start = (words, action, more = {}) => button(t(words), () => studio.start(action), { title: t(`${words}.help`), ...more });
    return [running ? halt : null,
      !running && run.state !== 'finished' && details?.resumable ? start('action.resume', { action: 'resume', run: name }, { class: 'main' }) : null,
      running ? null : start('action.doctor', { action: 'doctor', run: name, minutes: 10 }),
      details?.report ? make('a', { class: 'button', href: `/report/${encodeURIComponent(name)}`, target: '_blank' }, t('run.report')) : null,
      studio.list.runs.size > 1 ? compareWith() : null];
  };

  const compareWith = () => {
    const others = [...studio.list.runs.keys()].filter(other => other !== name);
    const select = make('select', { 'aria-label': t('run.compare'), on: { change: () => studio.go(`/compare?run=${encodeURIComponent(name)}&run=${encodeURIComponent(select.value)}`) } },
      make('option', { value: '' }, t('run.compare')), others.map(other => make('option', { value: other }, other)));
    return select;
  };

  const drawFindings = async () => {
    const { parts } = await get(ofRun(name, 'parts'), { only: 'findings', lang: language() });
    if (closed) return;
    fill(findings, parts.map(part => reportPart(part, false)));
    startCharts(findings);
    for (const card of findings.querySelectorAll('.finding')) addRemedies(card);
  };
  const addRemedies = card => {
    const { code, layer } = card.dataset;
    const can = details?.treatable.some(one => one.code === code && (one.layer ?? '') === layer);
    if (!can || run?.state === 'running') return;
    const of = what => button(t(`findings.${what}`), () => studio.start({ action: what, run: name, code, layer: layer || null }), { title: t(`findings.${what}.help`) });
    card.querySelector(':scope > .words').append(make('p', { class: 'tools' }, of('prove'), of('fix')));
  };

  // Layers and distributions.
  const known = new Map();
  let [ridge, tensor, measured] = [null, null, { measurements: [], tensors: [] }];
  let extra = null;
  const mapBoxes = make('div', { class: 'maps' });
  const more = make('div', { class: 'tools' });
  fill(maps, make('p', { class: 'lead' }, t('layers.lead')), mapBoxes, more);

  const readMap = async measurement => {
    const map = known.get(measurement) ?? layerMap(measurementName(measurement));
    if (!known.has(measurement)) {
      known.set(measurement, map);
      mapBoxes.append(map.node);
    }
    const answer = await get(ofRun(name, 'map'), { measurement });
    if (!closed) map.set(answer);
  };
  let layersRead = 0;
  const readLayers = async () => {
    layersRead = Date.now();
    const answer = await get(ofRun(name, 'layers'));
    if (closed) return;
    const changed = JSON.stringify(answer) !== JSON.stringify(measured);
    measured = answer;
    const shown = [...MAPS.filter(one => measured.measurements.includes(one)), extra].filter(Boolean);
    await Promise.all(shown.map(readMap));
    if (changed) {
      const others = measured.measurements.filter(one => !MAPS.includes(one));
      fill(more, others.length > 0 ? choice(t('layers.more'), [['', '–'], ...others.map(one => [one, measurementName(one)])], extra ?? '', value => {
        if (extra) {
          known.get(extra)?.close();
          known.get(extra)?.node.remove();
          known.delete(extra);
        }
        extra = value || null;
        if (extra) readMap(extra).catch(() => {});
      }) : null);
      if (measured.measurements.length === 0) fill(more, make('p', { class: 'calm' }, t('layers.none')));
      drawTensors();
    }
    if (ridge) await readRidges();
  };
  const drawTensors = () => {
    const { tensors } = measured;
    if (tensors.length === 0) {
      const command = details?.path ? `evenkeel train ${quoted(`${details.path}/config.toml`)} --set health.level=full` : 'evenkeel train --set health.level=full';
      return fill(ridges, make('p', { class: 'calm' }, t('ridge.none'), ' ', make('code', {}, command)));
    }
    if (ridge) return null;
    ridge = ridgeChart();
    tensor = tensors[0];
    const options = tensors.map((one, index) => [String(index), `${one.layer} · ${one.name}`]);
    return fill(ridges, make('div', { class: 'tools' }, choice(t('ridge.tensor'), options, '0', value => {
      tensor = measured.tensors[Number(value)];
      readRidges().catch(() => {});
    })), ridge.node);
  };
  const readRidges = async () => {
    const answer = await get(ofRun(name, 'distribution'), { layer: tensor.layer, name: tensor.name });
    if (!closed) ridge.set(answer);
  };

  // Results of the model, loaded on request: they take a while for large data.
  const drawResults = () => {
    if (!details.model) return fill(results, make('p', { class: 'calm' }, t('results.later')));
    const load = button(t('results.load'), async () => {
      load.disabled = true;
      load.textContent = t('loading');
      await readResults().catch(error => fill(results, make('p', { class: 'notice bad' }, error.message)));
    }, { class: 'main' });
    fill(results, load);
    return run?.state === 'running' ? null : load.click();
  };
  const readResults = async () => {
    const only = 'metrics,classes,regression,predictions,importance,filters';
    const { parts, notes } = await get(ofRun(name, 'parts'), { only, lang: language() });
    if (closed) return;
    fill(results, parts.map(part => reportPart(part, true)), notes.map(note => make('p', { class: 'soft' }, note)));
    startCharts(results);
  };
  const drawSetup = async () => {
    const { parts } = await get(ofRun(name, 'parts'), { only: 'model,choices', lang: language() });
    if (closed) return;
    fill(setup, parts.map(part => reportPart(part, true)), make('details', {}, make('summary', {}, t('setup.config')), make('pre', { tabindex: 0 }, details.config)));
    startCharts(setup);
  };

  const readDetails = async () => {
    details = await get(ofRun(name, 'details'));
    if (closed) return;
    run = details.run;
    drawHead();
    hide('samples', !details.samples);
    fill(samples, details.samples ? make('img', { class: 'samples', src: ofRun(name, 'samples.png'), alt: t('samples.alt') }) : null);
    hide('predict', !details.model);
    if (details.model) fill(predict, predictor(name, details));
    // Parts available immediately come before those that need the model.
    await Promise.all([drawFindings(), drawSetup(), readLayers()]);
    if (!closed) drawResults();
  };

  const newsFrom = async () => {
    await own.read();
    if (closed) return;
    stop();
    stop = listen(ofRun(name, 'events'), own.known, {
      news: news => {
        const before = run;
        run = news.run;
        drawHead();
        if (news.reset) return newsFrom().catch(report);
        own.add(news);
        const ended = before && before.state !== run.state;
        if (ended) readDetails().catch(report);
        else if (before && JSON.stringify(before.findings) !== JSON.stringify(run.findings)) drawFindings().catch(report);
        else if (news.step.length > 0 && Date.now() - layersRead > LAYERS_INTERVAL) readLayers().catch(report);
        return null;
      },
      gone: () => {
        stop();
        studio.say(t('run.gone'));
      },
    });
  };
  const report = error => { if (!closed) studio.say(error.message); };
  drawHead();
  return {
    title: name,
    node,
    opened: () => {
      readDetails().catch(report);
      newsFrom().catch(report);
    },
    close: () => {
      closed = true;
      stop();
      own.close();
      ridge?.close();
      known.forEach(map => map.close());
    },
  };
};

const quoted = text => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
